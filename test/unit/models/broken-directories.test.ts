/** Model directories that cannot be used: what they say of the file that is missing, damaged or does not fit. */

import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadModelDirectory } from "../../../core/models/directory.ts";
import { readOnnxHeader } from "../../../core/models/onnx-file.ts";
import { graphDirectory, useClip } from "../../support/model-directories.ts";

const clip = useClip();

describe("a directory that cannot be used", () => {
  test("is MODEL_NOT_FOUND where there is none", async () => {
    await expect(loadModelDirectory(join(clip.directory, "nowhere"))).rejects.toMatchObject({
      code: "MODEL_NOT_FOUND",
    });
  });

  test.each(["config.json", "preprocessor_config.json", "tokenizer.json"])("misses %s", async (file) => {
    const directory = clip.copy();
    rmSync(join(directory, file));
    await expect(loadModelDirectory(directory)).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringContaining(file),
    });
  });

  test.each([
    ["config.json", "{"],
    ["config.json", "[]"],
    ["preprocessor_config.json", '"text"'],
    ["tokenizer.json", "null"],
    ["onnx/vision_model.onnx", ""],
    ["onnx/vision_model.onnx", "version https://git-lfs.github.com/spec/v1"],
    ["onnx/text_model.onnx", "\x00\x01\x02"],
  ])("has a broken %s: %j", async (file, content) => {
    const directory = clip.copy();
    writeFileSync(join(directory, file), content);
    await expect(loadModelDirectory(directory)).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringContaining(file),
    });
  });

  test("has a JSON file of absurd size", async () => {
    const directory = clip.copy();
    truncateSync(join(directory, "tokenizer.json"), 200 * 1024 * 1024);
    await expect(loadModelDirectory(directory)).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringContaining("at most"),
    });
  });

  test("has a graph that is cut off", async () => {
    const directory = clip.copy();
    const path = join(directory, "onnx/vision_model.onnx");
    writeFileSync(path, readFileSync(path).subarray(0, 60_000));
    await expect(loadModelDirectory(directory)).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringContaining("cut off"),
    });
  });

  test("has a graph the runtime refuses: said at every run", async () => {
    const directory = await graphDirectory((graph) =>
      graph.node("NoSuchOperator", ["pixel_values"], {}, "image_embeds"),
    );
    const broken = await loadModelDirectory(directory);
    broken.prepare?.();
    const pictures = { data: new Float32Array(192), shape: [1, 3, 8, 8] };
    for (const _ of ["first", "second"]) {
      await expect(broken.embed(pictures)).rejects.toMatchObject({
        code: "MODEL_INVALID",
        message: expect.stringContaining("NoSuchOperator"),
      });
    }
  });

  test("preprocesses to another size than its graph takes", async () => {
    const directory = clip.copy();
    const path = join(directory, "preprocessor_config.json");
    writeFileSync(path, readFileSync(path, "utf8").replaceAll("32", "48"));
    await expect(loadModelDirectory(directory)).rejects.toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringContaining("48 x 48"),
    });
  });

  test("has other weights than expected", async () => {
    const checksums = { "onnx/vision_model.onnx": "0".repeat(64) };
    await expect(loadModelDirectory(clip.directory, { checksums })).rejects.toMatchObject({
      code: "CHECKSUM_MISMATCH",
    });
  });

  test.each(["../secret.bin", "/etc/passwd", "a/../../b", "C:\\weights"])(
    "keeps weights in %s",
    async (location) => {
      const directory = await graphDirectory((graph) => {
        graph.external("weights", [2], location);
        graph.node("Flatten", ["pixel_values"], { axis: 1 }, "image_embeds");
      });
      expect(readOnnxHeader(join(directory, "onnx/model.onnx")).externalFiles).toEqual([location]);
      await expect(loadModelDirectory(directory)).rejects.toMatchObject({
        code: "MODEL_INVALID",
        message: expect.stringContaining(location),
      });
    },
  );
});
