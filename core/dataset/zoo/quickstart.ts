/** The `quickstart` data set: 200 composed scenes with ground truth, predictions, tags and captions. */
import path from "node:path";
import { drawScene } from "../../media/compose.ts";
import { lazyAtlases, readArtIndex } from "./art.ts";
import { simulateDetections } from "./detector.ts";
import { composeScenes } from "./scenes.ts";
import { writeOnce } from "./write-once.ts";
import type { ZooSample } from "./zoo-sample.ts";

/** Seed of the scenes of `quickstart`; models must be trained and measured on others. */
export const QUICKSTART_SEED = 20_240_611;
export const QUICKSTART_COUNT = 200;

/** Draws `quickstart` into `folder` unless it is there already, and returns its samples. */
export async function prepareQuickstart(folder: string): Promise<ZooSample[]> {
  const art = await readArtIndex();
  const plans = composeScenes({ art, seed: QUICKSTART_SEED, count: QUICKSTART_COUNT });
  const predictions = simulateDetections(plans, { art, seed: QUICKSTART_SEED });
  const atlases = lazyAtlases(art);
  const files = plans.map((plan) => ({
    name: path.join("data", `${plan.name}.jpg`),
    bytes: async () => drawScene(plan, await atlases()),
  }));
  await writeOnce(folder, files, [art.styles, plans]);
  return plans.map(({ name, tags, caption, objects }, index) => ({
    filepath: path.resolve(folder, "data", `${name}.jpg`),
    tags,
    caption,
    ground_truth: {
      _cls: "Detections",
      detections: objects.map(({ concept, style, box }) => ({
        label: concept,
        boundingBox: box,
        attributes: { style },
      })),
    },
    predictions: { _cls: "Detections", detections: predictions[index] ?? [] },
  }));
}
