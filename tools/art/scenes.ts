/** Writes composed scenes as JPEG files with a labels.json: pictures for training and for measuring models. */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { readArtIndex, readAtlases } from "../../core/dataset/zoo/art.ts";
import { composeScenes } from "../../core/dataset/zoo/scenes.ts";
import { decodeAtlases, drawScene } from "../../core/media/compose.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    count: { type: "string", default: "200" },
    out: { type: "string" },
    styles: { type: "string" },
  },
});
if (values.out === undefined)
  throw new Error("--out DIR is needed: the folder to write scenes and labels.json to");

const art = await readArtIndex();
const atlases = await decodeAtlases(await readAtlases(art));
const styles = values.styles?.split(",");
const plans = composeScenes({
  art,
  seed: Number(values.seed),
  count: Number(values.count),
  ...(styles === undefined ? {} : { styles }),
});
await mkdir(values.out, { recursive: true });
for (const plan of plans)
  await writeFile(path.join(values.out, `${plan.name}.jpg`), await drawScene(plan, atlases));
const labels = plans.map(({ name, caption, tags, objects }) => ({
  file: `${name}.jpg`,
  caption,
  tags,
  objects: objects.map(({ concept, style, box }) => ({ label: concept, style, box })),
}));
await writeFile(path.join(values.out, "labels.json"), `${JSON.stringify(labels, null, 1)}\n`);
console.log(`${plans.length} scenes in ${values.out}`);
