/** The bundles of functions that have no model: what is in them, and that they answer. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import type { Metafile } from "esbuild";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { createApiKey } from "../../functions/auth/api-keys.ts";
import type { HttpFunction } from "../../functions/lambda/http.ts";
import { type Bundle, listBundles, MOST_BYTES } from "../../tools/pack/bundles.ts";
import { checkInputs, checkSize } from "../../tools/pack/gates.ts";
import { pack } from "../../tools/pack/pack.ts";
import { type HttpCall, urlEvent } from "../support/lambda-events.ts";
import { temporaryFolder } from "../support/temporary.ts";

const MANAGE: Bundle = { backend: "elasticsearch", role: "manage", architecture: "x64" };
const { key, record } = createApiKey("test", "manage");
const context = { awsRequestId: "1", functionName: "manage", getRemainingTimeInMillis: () => 30_000 };

describe("a packed function", () => {
  let manage: HttpFunction;
  let folder: string;

  beforeAll(async () => {
    folder = (await pack(MANAGE, temporaryFolder())).folder;
    vi.stubEnv("NEARSIGHT_HOME", temporaryFolder());
    vi.stubEnv("POWERTOOLS_LOG_LEVEL", "SILENT");
    vi.stubEnv("POWERTOOLS_METRICS_DISABLED", "true");
    vi.stubEnv("NEARSIGHT_API_KEYS", JSON.stringify([record]));
    manage = await import(pathToFileURL(join(folder, "index.mjs")).href);
  });

  async function call(some: HttpCall) {
    const headers = { authorization: `Bearer ${key}` };
    const answer = await manage.handler(urlEvent({ headers, ...some }) as never, context as never, () => {});
    return { ...answer, body: JSON.parse(answer?.body || "null") };
  }

  test("answers with its store in a file", async () => {
    expect((await call({ path: "/health" })).body).toMatchObject({ status: "ok" });
    expect((await call({ method: "POST", path: "/datasets", body: { name: "pets" } })).statusCode).toBe(201);
    expect((await call({ path: "/datasets/pets" })).body).toMatchObject({ name: "pets", samples: 0 });
  });

  test("has the routes of its group alone, and no answer without a key", async () => {
    expect((await call({ method: "POST", path: "/datasets/pets/search", body: {} })).body.code).toBe(
      "ROUTE_NOT_FOUND",
    );
    expect((await call({ path: "/datasets", headers: {} })).body.code).toBe("API_KEY_INVALID");
  });

  test("is the same to the byte when it is packed again", async () => {
    const again = await pack(MANAGE, temporaryFolder());
    expect(hashesIn(again.folder)).toEqual(hashesIn(folder));
  });
});

describe("the checks of a bundle", () => {
  const metafile = (inputs: readonly string[], imported: readonly string[] = []): Metafile => ({
    inputs: Object.fromEntries(inputs.map((path) => [path, { bytes: 1, imports: [] }])),
    outputs: {
      "index.mjs": {
        bytes: 1,
        inputs: {},
        exports: [],
        imports: imported.map((path) => ({ path, kind: "dynamic-import", external: true })),
      },
    },
  });

  test.each([
    ["the other backend's SDK", MANAGE, metafile(["node_modules/@zilliz/milvus2-sdk-node/dist/a.js"])],
    ["a package of it", MANAGE, metafile(["node_modules/x/node_modules/@grpc/grpc-js/build/a.js"])],
    ["the model's runtime", MANAGE, metafile(["functions/app.ts"], ["onnxruntime-node"])],
    ["the codec", MANAGE, metafile(["node_modules/sharp/lib/index.js"])],
  ])("refuse %s", (_, bundle, found) => {
    expect(() => checkInputs(bundle, [metafile(["functions/app.ts"]), found])).toThrow(
      /^Expected .* without/,
    );
  });

  test("let a model's function have codec and runtime", () => {
    checkInputs({ ...MANAGE, role: "query" }, [metafile([], ["sharp", "onnxruntime-node"])]);
  });

  test("refuse what is too large", () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "index.mjs"), Buffer.alloc(MOST_BYTES.withoutModel));
    expect(checkSize(MANAGE, folder).bytes).toBe(MOST_BYTES.withoutModel);
    writeFileSync(join(folder, "one-more"), "x");
    expect(() => checkSize(MANAGE, folder)).toThrow(`at most ${MOST_BYTES.withoutModel} bytes`);
  });

  test("know every entry that there is", () => {
    const entries = readdirSync(join(import.meta.dirname, "../../functions/handlers")).toSorted();
    const named = listBundles({ architectures: ["x64"] }).map(({ role, backend }) => `${role}-${backend}.ts`);
    expect(named.toSorted()).toEqual(entries);
  });
});

function hashesIn(folder: string): Record<string, string> {
  const hashes: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile())
      hashes[relative(folder, path)] = createHash("sha256").update(readFileSync(path)).digest("hex");
  }
  return hashes;
}
