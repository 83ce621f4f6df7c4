/** Draws evaluation scenes with the zoo's own composer: `node scenes.ts FOLDER SEED COUNT` writes pictures and `scenes.json`. */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { readArtIndex, readAtlases } from "../../core/dataset/zoo/art.ts";
import { composeScenes } from "../../core/dataset/zoo/scenes.ts";
import { decodeAtlases, drawScene } from "../../core/media/compose.ts";

const [folder, seed, count] = process.argv.slice(2);
if (folder === undefined || seed === undefined || count === undefined) {
  throw new Error("usage: node scenes.ts FOLDER SEED COUNT");
}
await mkdir(folder, { recursive: true });
const art = await readArtIndex();
const atlases = await decodeAtlases(await readAtlases(art));
const plans = composeScenes({ art, seed: Number(seed), count: Number(count) });
for (const plan of plans) {
  await writeFile(path.join(folder, `${plan.name}.jpg`), await drawScene(plan, atlases));
}
const scenes = plans.map(({ name, objects }) => ({
  file: `${name}.jpg`,
  objects: objects.map(({ concept, style, box }) => ({ concept, style, box })),
}));
await writeFile(path.join(folder, "scenes.json"), JSON.stringify(scenes));
