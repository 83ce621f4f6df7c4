/** Downloading from a hub: once, whole, checked, and with errors that say what to do. */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type DownloadProgress, downloadFile } from "../../../core/models/download.ts";
import { downloadModel, type HubOptions, verifyModel } from "../../../core/models/hub.ts";
import { fetchModel, resolveModel } from "../../../core/models/zoo.ts";
import { writeRandomClip } from "../../../tools/make-random-clip.ts";
import { FLOAT, GraphBuilder } from "../../../tools/onnx-writer.ts";
import { type HubServer, startHubServer } from "../../support/hub-server.ts";
import { serve } from "../../support/loopback.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const REPOSITORY = "owner/tiny-clip";
const VISION = "onnx/vision_model.onnx";
const source = temporaryFolder();
let hub: HubServer;
let cache: string;
let options: HubOptions;

beforeAll(() => writeRandomClip(source));
beforeEach(async () => {
  hub = await startHubServer(source, REPOSITORY);
  cache = temporaryFolder();
  options = { cache, endpoint: hub.endpoint, retries: 2, retryDelay: 1 };
});
afterEach(() => hub.close());

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

describe("downloadModel", () => {
  test("fetches the files once and records their SHA-256", async () => {
    const { directory, recorded } = await downloadModel(REPOSITORY, options);
    expect(readFileSync(join(directory, VISION)).equals(readFileSync(join(source, VISION)))).toBe(true);
    expect(recorded[VISION]).toBe(sha256(join(source, VISION)));
    const before = hub.requests.length;
    await downloadModel(REPOSITORY, options);
    expect(hub.requests.length).toBe(before);
  });

  test("needs no server once the files are there", async () => {
    const first = await downloadModel(REPOSITORY, options);
    await hub.close();
    const again = await downloadModel(REPOSITORY, { ...options, endpoint: "http://127.0.0.1:9" });
    expect(again).toEqual(first);
  });

  test("optional files may be absent", async () => {
    hub.faults.missing.push("tokenizer_config.json", "onnx/text_model.onnx", "text_model.onnx");
    const { directory } = await downloadModel(REPOSITORY, options);
    expect(readdirSync(join(directory, "onnx"))).toEqual(["vision_model.onnx"]);
  });

  test("a model the hub does not have is MODEL_NOT_FOUND with the path", async () => {
    await expect(downloadModel("owner/other", options)).rejects.toMatchObject({
      code: "MODEL_NOT_FOUND",
      message: expect.stringContaining("/owner/other/resolve/main/config.json"),
    });
  });

  test("a dtype without files is MODEL_NOT_FOUND naming them", async () => {
    await expect(downloadModel(REPOSITORY, { ...options, dtype: "q8" })).rejects.toMatchObject({
      code: "MODEL_NOT_FOUND",
      message: expect.stringContaining("onnx/vision_model_quantized.onnx"),
    });
  });

  test("a login wall is MODEL_NOT_FOUND that names HF_TOKEN", async () => {
    hub.faults.status = { code: 401, times: 1 };
    await expect(downloadModel(REPOSITORY, options)).rejects.toMatchObject({
      code: "MODEL_NOT_FOUND",
      hint: expect.stringContaining("HF_TOKEN"),
    });
  });

  test("goes on where a broken connection stopped", async () => {
    hub.faults.truncate = { file: VISION, after: 50_000, times: 1 };
    const { recorded } = await downloadModel(REPOSITORY, options);
    expect(recorded[VISION]).toBe(sha256(join(source, VISION)));
    expect(
      hub.requests.some((request) =>
        /^GET \/storage\/onnx\/vision_model.onnx bytes=[1-9]\d*-$/.test(request),
      ),
    ).toBe(true);
  });

  test("a connection that keeps breaking is DOWNLOAD_FAILED, and the next call goes on", async () => {
    hub.faults.truncate = { file: VISION, after: 40_000, times: 1 };
    await expect(downloadModel(REPOSITORY, { ...options, retries: 0 })).rejects.toMatchObject({
      code: "DOWNLOAD_FAILED",
      retryable: true,
      hint: expect.stringContaining("models fetch"),
    });
    const before = hub.requests.length;
    const { recorded } = await downloadModel(REPOSITORY, options);
    expect(recorded[VISION]).toBe(sha256(join(source, VISION)));
    expect(hub.requests.slice(before).join("\n")).toContain("bytes=");
  });

  test("goes on after the caller stopped a download", async () => {
    // Small files arrive in one piece: cut off, so that something is left to fetch.
    hub.faults.truncate = { file: VISION, after: 40_000, times: 1 };
    const controller = new AbortController();
    const onProgress = ({ file }: DownloadProgress) => {
      if (file === VISION) controller.abort();
    };
    const stopped = downloadModel(REPOSITORY, { ...options, signal: controller.signal, onProgress });
    await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
    const before = hub.requests.length;
    const { recorded } = await downloadModel(REPOSITORY, options);
    expect(recorded[VISION]).toBe(sha256(join(source, VISION)));
    expect(hub.requests.slice(before).join("\n")).toContain("bytes=");
  });

  test("starts anew where the server ignores ranges", async () => {
    hub.faults.truncate = { file: VISION, after: 40_000, times: 1 };
    hub.faults.noRanges = true;
    const { recorded } = await downloadModel(REPOSITORY, options);
    expect(recorded[VISION]).toBe(sha256(join(source, VISION)));
  });

  test("a busy server is asked again", async () => {
    hub.faults.status = { code: 503, times: 2 };
    await expect(downloadModel(REPOSITORY, options)).resolves.toBeDefined();
  });

  test("other bytes than announced are CHECKSUM_MISMATCH and leave nothing behind", async () => {
    hub.faults.corrupt = VISION;
    await expect(downloadModel(REPOSITORY, { ...options, retries: 0 })).rejects.toMatchObject({
      code: "CHECKSUM_MISMATCH",
    });
    expect(readdirSync(join(cache, "owner--tiny-clip", "main", "onnx"))).toEqual([]);
  });

  test("another file than the pinned one is CHECKSUM_MISMATCH", async () => {
    const checksums = { [VISION]: "0".repeat(64) };
    await expect(downloadModel(REPOSITORY, { ...options, checksums, retries: 0 })).rejects.toMatchObject({
      code: "CHECKSUM_MISMATCH",
      details: { expected: "0".repeat(64) },
    });
  });

  test("a file changed afterwards is downloaded again", async () => {
    const { directory } = await downloadModel(REPOSITORY, options);
    writeFileSync(join(directory, VISION), "rubbish");
    const { recorded } = await downloadModel(REPOSITORY, options);
    expect(recorded[VISION]).toBe(sha256(join(directory, VISION)));
  });

  test("verifyModel finds a changed file", async () => {
    const { directory } = await downloadModel(REPOSITORY, options);
    await verifyModel(REPOSITORY, options);
    writeFileSync(join(directory, "config.json"), "{}");
    await expect(verifyModel(REPOSITORY, options)).rejects.toMatchObject({ code: "CHECKSUM_MISMATCH" });
  });

  test("no server is DOWNLOAD_FAILED with the reason", async () => {
    await hub.close();
    await expect(downloadModel(REPOSITORY, { ...options, retries: 0 })).rejects.toMatchObject({
      code: "DOWNLOAD_FAILED",
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });

  test.each(["../evil", "a/../b", "owner", "owner/na me", "owner/name/more", "/owner/name"])(
    "refuses the name %s",
    async (name) => {
      await expect(downloadModel(name, options)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      expect(hub.requests).toEqual([]);
    },
  );

  test("an aborted download is ABORTED", async () => {
    const signal = AbortSignal.abort();
    await expect(downloadModel(REPOSITORY, { ...options, signal })).rejects.toMatchObject({
      code: "ABORTED",
    });
  });

  test("reports progress up to the whole size", async () => {
    const seen: DownloadProgress[] = [];
    await downloadModel(REPOSITORY, { ...options, onProgress: (progress) => seen.push(progress) });
    const last = seen.filter(({ file }) => file === VISION).at(-1);
    const size = readFileSync(join(source, VISION)).length;
    expect(last).toEqual({ file: VISION, received: size, total: size });
  });

  test("the token stays with the hub's own address", async () => {
    const storage = await startHubServer(source, REPOSITORY);
    const target = join(cache, "file");
    let token: string | undefined;
    const elsewhere = await serve(({ headers }, response) => {
      token = headers.authorization;
      response.writeHead(302, { location: `${storage.endpoint}/storage/config.json` }).end();
    });
    await downloadFile(`${elsewhere.endpoint}/x`, target, "x", { token: "secret" });
    expect(token).toBe("Bearer secret");
    expect(storage.tokens["/storage/config.json"]).toBeUndefined();
    await Promise.all([storage.close(), elsewhere.close()]);
  });

  test("fetches weights kept beside a graph, and refuses those kept elsewhere", async () => {
    const directory = temporaryFolder();
    await writeRandomClip(directory);
    rmSync(join(directory, "onnx/text_model.onnx"));
    const save = async (location: string) => {
      const graph = new GraphBuilder();
      graph.external("weights", [1], location);
      graph.node("Mul", ["pixel_values", "weights"], {}, "image_embeds");
      const port = { type: FLOAT, shape: ["batch", 3, 32, 32] };
      await graph.write(
        join(directory, VISION),
        [{ name: "pixel_values", ...port }],
        [{ name: "image_embeds", ...port }],
      );
    };
    await save("vision_model.onnx_data");
    writeFileSync(join(directory, "onnx/vision_model.onnx_data"), "four");
    const server = await startHubServer(directory, REPOSITORY);
    const { recorded } = await downloadModel(REPOSITORY, { ...options, endpoint: server.endpoint });
    expect(Object.keys(recorded)).toContain("onnx/vision_model.onnx_data");
    await save("../../elsewhere");
    const other = { ...options, endpoint: server.endpoint, cache: temporaryFolder() };
    await expect(downloadModel(REPOSITORY, other)).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringContaining("elsewhere"),
    });
    await server.close();
  });

  test("two processes at once both end with the whole model", async () => {
    const program = `
      import { downloadModel } from ${JSON.stringify(new URL("../../../core/models/hub.ts", import.meta.url).href)};
      const { recorded } = await downloadModel(${JSON.stringify(REPOSITORY)}, ${JSON.stringify(options)});
      console.log(recorded[${JSON.stringify(VISION)}] ?? "unrecorded");`;
    const outputs = await Promise.all([
      runNode(program),
      runNode(program),
      downloadModel(REPOSITORY, options),
    ]);
    expect(outputs[0]).toMatch(/^([0-9a-f]{64}|unrecorded)$/);
    const { directory } = await downloadModel(REPOSITORY, options);
    expect(sha256(join(directory, VISION))).toBe(sha256(join(source, VISION)));
    expect(readdirSync(join(directory, "onnx")).sort()).toEqual(["text_model.onnx", "vision_model.onnx"]);
  });
});

describe("resolveModel", () => {
  test("loads hub:owner/name with prompts", async () => {
    const model = await resolveModel(`hub:${REPOSITORY}`, { cache, endpoint: hub.endpoint });
    expect(model.name).toBe(`hub:${REPOSITORY}`);
    expect((await model.embedPrompts?.(["a red dog"]))?.shape).toEqual([1, 16]);
    await model.close?.();
  });

  test("recorded and computed hashes give one fingerprint", async () => {
    const viaHub = await resolveModel(`hub:${REPOSITORY}`, { cache, endpoint: hub.endpoint });
    const viaPath = await resolveModel(source);
    expect(viaHub.fingerprint).toBe(viaPath.fingerprint);
  });

  test("an unknown name is MODEL_NOT_FOUND listing the names", async () => {
    await expect(resolveModel("clip-vit")).rejects.toMatchObject({
      code: "MODEL_NOT_FOUND",
      hint: expect.stringContaining("clip-vit-base32-torch"),
    });
  });

  test("a hub model without a cache is CONFIG_INVALID", async () => {
    await expect(fetchModel("clip-vit-base32-torch")).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});

function runNode(program: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program]);
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      output += chunk;
    });
    child.on("error", reject);
    child.on("close", () => resolve(output.trim()));
  });
}
