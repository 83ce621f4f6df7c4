/** Model directories in the Hugging Face layout: a small CLIP to damage, and directories with any one graph. */

import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll } from "vitest";
import { writeRandomClip } from "../../tools/make-random-clip.ts";
import { FLOAT, GraphBuilder, type Port } from "../../tools/onnx-writer.ts";
import { temporaryFolder } from "./temporary.ts";

/** The input of a graph that takes 8 x 8 pictures. */
export const PIXELS: Port = { name: "pixel_values", type: FLOAT, shape: ["batch", 3, 8, 8] };

/** A CLIP with random weights for the tests of one file. */
export function useClip(): { readonly directory: string; copy(): string } {
  const directory = join(temporaryFolder(), "clip");
  beforeAll(() => writeRandomClip(directory));
  return {
    directory,
    copy() {
      const copy = temporaryFolder();
      cpSync(directory, copy, { recursive: true });
      return copy;
    },
  };
}

/** A directory, alone in its folder, with the graph of `build`: from 8 x 8 pictures to their numbers unless said otherwise. */
export async function graphDirectory(
  build: (graph: GraphBuilder) => void,
  options: { config?: object; inputs?: readonly Port[]; outputs?: readonly Port[] } = {},
): Promise<string> {
  const directory = join(temporaryFolder(), "model");
  mkdirSync(join(directory, "onnx"), { recursive: true });
  const preprocessor = { image_processor_type: "ViTImageProcessor", size: 8, do_normalize: false };
  writeFileSync(join(directory, "config.json"), JSON.stringify(options.config ?? {}));
  writeFileSync(join(directory, "preprocessor_config.json"), JSON.stringify(preprocessor));
  const graph = new GraphBuilder();
  build(graph);
  await graph.write(
    join(directory, "onnx/model.onnx"),
    options.inputs ?? [PIXELS],
    options.outputs ?? [{ name: "image_embeds", type: FLOAT, shape: ["batch", 192] }],
  );
  return directory;
}
