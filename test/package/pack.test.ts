/** The tarball that would be published: its files, its types, and the quickstart run from an empty folder. */

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { command, install, manifest, ROOT } from "../support/packed.ts";
import { temporaryFolder } from "../support/temporary.ts";

const LARGEST = 12 * 1024 * 1024;

/** What is allowed in the tarball; sources, tests and tools are not. */
const SHIPPED = [
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|NOTICE)$/,
  /^bin\/nearsight\.mjs$/,
  /^dist\/(core|cli|client)\/.*\.(js|d\.ts)$/,
  /^dist\/core\/dataset\/zoo\/art\/[\w-]+\.(webp|json)$/,
  /^dist\/core\/models\/nearsight-tiny\/([\w-]+\.json|README\.md|onnx\/\w+\.onnx)$/,
];

const NEEDED = [
  "LICENSE",
  "NOTICE",
  "bin/nearsight.mjs",
  "dist/cli/main.js",
  "dist/client/index.js",
  "dist/core/index.d.ts",
  "dist/core/index.js",
  "dist/core/backends/local/driver.js",
  "dist/core/backends/local/worker.js",
  "dist/core/backends/milvus/milvus.js",
  "dist/core/backends/elasticsearch/elasticsearch.js",
  "dist/core/store/embedding-cache-worker.js",
  "dist/core/store/sqlite-worker.js",
  "dist/core/dataset/zoo/art/art.json",
  "dist/core/models/nearsight-tiny/onnx/vision_model.onnx",
  "dist/core/models/nearsight-tiny/onnx/text_model.onnx",
  "dist/core/models/nearsight-tiny/tokenizer.json",
];

/** The oldest Node that engines allows, where the registry has it for this platform. */
const OLDEST_NODE = process.platform === "linux" ? [`node-linux-${process.arch}@22.13.0`] : [];

const folder = temporaryFolder();
const user = join(folder, "user");
const oldest = join(folder, "oldest-node");
const tarball = inject("tarball");

/** The Nodes to run on, and the folders of their programs. */
const NODES: [name: string, folder: string][] = [
  [`Node ${process.versions.node}`, dirname(process.execPath)],
  ...OLDEST_NODE.map((name): [string, string] => [
    name,
    join(oldest, "node_modules", name.slice(0, name.indexOf("@")), "bin"),
  ]),
];

beforeAll(async () => {
  await install(user, [tarball.path]);
  await install(oldest, OLDEST_NODE);
}, 600_000);

describe("the tarball", () => {
  test("holds what runs and nothing else, and stays small", () => {
    const paths = tarball.files.map(({ path }) => path);
    expect(paths.filter((path) => !SHIPPED.some((allowed) => allowed.test(path)))).toEqual([]);
    expect(paths).toEqual(expect.arrayContaining(NEEDED));
    const bytes = tarball.files.reduce((sum, { size }) => sum + size, 0);
    console.log(`${paths.length} files, ${(bytes / 1e6).toFixed(1)} MB unpacked`);
    expect(bytes).toBeLessThan(LARGEST);
  });

  test("has nothing publint minds", async () => {
    const { messages } = await publint({ strict: true, pack: { tarball: readTarball() } });
    expect(messages).toEqual([]);
  });

  test("has types that resolve everywhere", async () => {
    const checked = await checkPackage(createPackageFromTarballData(new Uint8Array(readTarball())));
    const problems = "problems" in checked ? checked.problems : ["no types"];
    // require() of this package works on every Node it supports; the check knows only older ones.
    expect(problems.filter((one) => typeof one === "string" || one.kind !== "CJSResolvesToESM")).toEqual([]);
  });
});

describe("installed into an empty folder", () => {
  test.each([
    ["nodenext", "nodenext"],
    ["bundler", "esnext"],
  ])(
    "compiles with moduleResolution %s, without the query builder's types",
    async (moduleResolution, module) => {
      writeFileSync(join(user, "consumer.ts"), CONSUMER);
      const settings = {
        ...COMPILER,
        module,
        moduleResolution,
        typeRoots: [join(ROOT, "node_modules/@types")],
      };
      writeFileSync(
        join(user, "tsconfig.json"),
        JSON.stringify({ compilerOptions: settings, files: ["consumer.ts"] }),
      );
      const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
      expect(await command("node", [tsc, "--pretty", "false"], { cwd: user })).toEqual({
        stdout: "",
        stderr: "",
      });
      const { stdout } = await command("node", [tsc, "--listFilesOnly"], { cwd: user });
      expect(stdout).toContain("nearsight/dist/core/index.d.ts");
      expect(stdout).not.toContain("node_modules/kysely");
    },
  );

  describe.each(NODES)("on %s", (_, nodeFolder) => {
    const home = temporaryFolder();
    const settings = {
      cwd: user,
      nodeFolder,
      environment: { HOME: home, NEARSIGHT_HOME: join(home, ".nearsight") },
    };

    test("is loaded by import and by require", async () => {
      const importing = 'import("nearsight").then(({ VERSION }) => console.log(VERSION))';
      const requiring = 'console.log(require("nearsight").VERSION)';
      const imported = await command("node", ["-e", importing], settings);
      const required = await command("node", ["--input-type=commonjs", "-e", requiring], settings);
      const version = manifest()["version"];
      expect([imported.stdout.trim(), required.stdout.trim()]).toEqual([version, version]);
    });

    test("gives each backend by an entry of its own, and says what a server's needs", async () => {
      const program = `
        import { local } from "nearsight/local";
        import { milvus } from "nearsight/milvus";
        import { elasticsearch } from "nearsight/elasticsearch";
        import { open } from "nearsight";
        const ns = await open();
        const dataset = await ns.createDataset("entries");
        const codes = [];
        for (const { name } of [local, milvus, elasticsearch]) {
          const made = ns.computeSimilarity(dataset, { embeddings: false, backend: name, collectionName: "none" });
          codes.push(await made.then(({ config }) => config.method, (error) => error.code));
        }
        await ns.close();
        console.log(codes.join(" "));`;
      const words = ["--input-type=module", "-e", program];
      const place = temporaryFolder();
      const environment = { HOME: place, NEARSIGHT_HOME: join(place, ".nearsight") };
      const { stdout } = await command("node", words, { ...settings, environment });
      expect(stdout.trim()).toBe("local PACKAGE_MISSING PACKAGE_MISSING");
    });

    test("runs the quickstart, warning of nothing", { timeout: 300_000 }, async () => {
      const words = ["--no", "--", "nearsight", "quickstart", "--json"];
      const { stdout, stderr } = await command("npx", words, settings);
      expect(stderr).not.toMatch(/ExperimentalWarning|error/i);
      const answer = JSON.parse(stdout) as { samples: number; searches: { results: unknown[] }[] };
      expect(answer.samples).toBe(200);
      expect(answer.searches.map(({ results }) => results.length)).toEqual([10, 10, 10]);
    });
  });
});

function readTarball(): ArrayBuffer {
  return new Uint8Array(readFileSync(tarball.path)).buffer;
}

const COMPILER = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  skipLibCheck: false,
  target: "es2022",
  lib: ["es2023", "esnext.disposable"],
  types: ["node"],
};

const CONSUMER = `
import { type Dataset, isNearsightError, open } from "nearsight";

export async function nearest(): Promise<readonly string[]> {
  await using ns = await open();
  const dataset: Dataset = await ns.loadZooDataset("quickstart", { maxSamples: 10 });
  await ns.computeSimilarity(dataset, { brainKey: "images" });
  const hits = await dataset.sortBySimilarity({ prompt: "a dog" }, { k: 3, brainKey: "images" }).hits();
  return hits.map((hit) => hit.id);
}

export const codeOf = (error: unknown): string => (isNearsightError(error) ? error.code : "other");
`;
