/** The `emoji` data set: single pictures of the zoo's concepts, each in several styles. */
import path from "node:path";
import { drawSingle } from "../../media/compose.ts";
import { lazyAtlases, readArtIndex } from "./art.ts";
import { writeOnce } from "./write-once.ts";
import type { ZooSample } from "./zoo-sample.ts";

const SIDE = 128;

/** Draws `emoji` into `folder` (128 x 128 PNG, white ground) unless it is there already, and returns its samples. */
export async function prepareEmoji(folder: string): Promise<ZooSample[]> {
  const art = await readArtIndex();
  const atlases = lazyAtlases(art);
  const pictures = art.concepts.flatMap((concept) =>
    Object.entries(concept.styles).map(([style, { rect }]) => {
      const name = path.join("data", style, `${concept.name.replaceAll(" ", "-")}.png`);
      return {
        name,
        concept,
        style,
        rect,
        bytes: async () => drawSingle({ style, rect }, SIDE, await atlases()),
      };
    }),
  );
  const drawn = pictures.map(({ name, rect }) => [name, rect]);
  await writeOnce(folder, pictures, [art.styles, drawn]);
  return pictures.map(({ name, concept, style }) => ({
    filepath: path.resolve(folder, name),
    tags: [style],
    label: { _cls: "Classification", label: concept.name },
    style,
    group: concept.group,
    character: concept.emoji,
  }));
}
