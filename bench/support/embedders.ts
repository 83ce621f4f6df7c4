/** Programs that turn pictures into vectors by the same ONNX file: nearsight as it is published, and its peers. */

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { decodeImage } from "../../core/index.ts";
import { loadSharp } from "../../core/media/sharp.ts";
import { open } from "../../core/open.ts";
import { prepareEfficientNet, preparePython, prepareTransformers } from "../../test/support/parity-setup.ts";
import { type Child, startChild } from "./child.ts";
import { OURS } from "./report.ts";

/** How each program is started; it is ready when it has embedded the first picture. */
export type Starters = Readonly<Record<string, () => Promise<Child>>>;

/** Builds dist/: from the sources nearsight would strip types first. */
export function buildPackage(): void {
  execFileSync(process.execPath, [resolve(import.meta.dirname, "../../tools/build.ts")], {
    stdio: "inherit",
  });
}

/** Prepares the programs for these pictures. Other builds of nearsight are named by their dist/ folders. */
export async function prepareEmbedders(
  pictures: readonly string[],
  builds: Readonly<Record<string, string>> = { [OURS]: resolve(import.meta.dirname, "../../dist") },
): Promise<Starters> {
  const python = await preparePython();
  const model = join(await prepareEfficientNet(python), "efficientnet-lite0");
  const transformers = join(dirname(await prepareTransformers()), "bench.mjs");
  copyFileSync(join(import.meta.dirname, "embed-transformers.mjs"), transformers);

  const start = (program: string, script: string, ...words: string[]) =>
    startChild(program, [script, ...words, model, ...pictures], { cwd: dirname(script) });
  const nearsight = join(import.meta.dirname, "embed-nearsight.mjs");
  const ours = Object.entries(builds).map(
    ([name, dist]) => [name, () => start(process.execPath, nearsight, resolve(dist))] as const,
  );
  return {
    ...Object.fromEntries(ours),
    "transformers.js": () => start(process.execPath, transformers),
    "Pillow + onnxruntime": () => start(python, join(import.meta.dirname, "embed-pillow.py")),
  };
}

/** The scenes of the zoo as photographs are kept, JPEG, 640 x 480, quality 85, in a folder of their own. */
export async function writePhotos(folder: string, count: number): Promise<string[]> {
  const sharp = await loadSharp();
  mkdirSync(join(folder, "pictures"));
  await using ns = await open({ config: { home: join(folder, "home") } });
  const scenes = await (await ns.loadZooDataset("quickstart")).values<string>("filepath");
  const paths: string[] = [];
  for (let i = 0; i < count; i++) {
    const { data, width, height } = await decodeImage(scenes[i % scenes.length] ?? "");
    const picture = sharp(data, { raw: { width, height, channels: 3 } }).resize(640, 480);
    const path = join(folder, "pictures", `${i}.jpg`);
    await writeFile(path, await picture.jpeg({ quality: 85 }).toBuffer());
    paths.push(path);
  }
  return paths;
}
