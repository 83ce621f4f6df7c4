/** Plays an object detector over composed scenes: boxes a little off, labels sometimes wrong, things missed and made up. */
import type { DetectionInput } from "../labels.ts";
import type { ArtConcept, ArtIndex } from "./art.ts";
import type { Box } from "./placement.ts";
import { createRandom, type Random } from "./random.ts";
import type { SceneObject, ScenePlan } from "./scenes.ts";

/** Of 100 objects, how many are found at all; of those found, how many get a wrong label or are found twice. */
const FOUND = 90;
const MISLABELLED = 9;
const DOUBLED = 6;
/** Of 100 scenes, how many get a first, then a second detection of nothing. */
const MADE_UP = 38;

/** A coordinate from 0 to 1 with four decimals; the whole box stays in the picture. */
function clipBox(left: number, top: number, width: number, height: number): Box {
  const tenThousandths = (value: number): number => Math.min(10_000, Math.max(0, Math.round(value * 1e4)));
  const [x, y] = [tenThousandths(left), tenThousandths(top)];
  const [right, bottom] = [tenThousandths(left + width), tenThousandths(top + height)];
  return [x / 1e4, y / 1e4, (right - x) / 1e4, (bottom - y) / 1e4];
}

/** Moves each side by up to `percent` of the box's width or height. */
function jitter(random: Random, [left, top, width, height]: Box, percent: number): Box {
  const shift = (length: number): number => (length * random.between(-percent * 10, percent * 10)) / 1000;
  const [dLeft, dTop, dRight, dBottom] = [shift(width), shift(height), shift(width), shift(height)];
  return clipBox(left + dLeft, top + dTop, width - dLeft + dRight, height - dTop + dBottom);
}

/** Confidence from `low` to `high` thousandths, the better of two draws, so that high values are common. */
function confident(random: Random, low: number, high: number): number {
  return Math.max(random.between(low, high), random.between(low, high)) / 1000;
}

/** Another class, of the same group where it has others, since those are the ones a detector mixes up. */
function confuse(random: Random, label: string, classes: readonly ArtConcept[]): string {
  const group = classes.find((concept) => concept.name === label)?.group;
  const others = classes.filter((concept) => concept.name !== label);
  const alike = others.filter((concept) => concept.group === group);
  return random.pick(alike.length > 0 ? alike : others).name;
}

function detect(
  random: Random,
  { concept, box }: SceneObject,
  classes: readonly ArtConcept[],
): DetectionInput[] {
  if (!random.chance(FOUND)) return [];
  const wrong = random.chance(MISLABELLED);
  const found: DetectionInput = {
    label: wrong ? confuse(random, concept, classes) : concept,
    boundingBox: jitter(random, box, 6),
    confidence: wrong ? random.between(150, 700) / 1000 : confident(random, 450, 990),
  };
  if (!random.chance(DOUBLED)) return [found];
  const again = {
    ...found,
    boundingBox: jitter(random, box, 18),
    confidence: random.between(60, 350) / 1000,
  };
  return [found, again];
}

function makeUp(random: Random, classes: readonly ArtConcept[]): DetectionInput {
  const [width, height] = [random.between(8, 30) / 100, random.between(10, 36) / 100];
  const left = (random.between(0, 100) / 100) * (1 - width);
  const top = (random.between(0, 100) / 100) * (1 - height);
  return {
    label: random.pick(classes).name,
    boundingBox: clipBox(left, top, width, height),
    confidence: Math.min(random.between(50, 600), random.between(50, 600)) / 1000,
  };
}

/** Detections for every scene, most confident first: the same for the same scenes and seed. */
export function simulateDetections(
  scenes: readonly Pick<ScenePlan, "objects">[],
  { art, seed }: { art: ArtIndex; seed: number },
): DetectionInput[][] {
  const random = createRandom(seed);
  const classes = art.concepts.filter((concept) => concept.quickstart === true);
  return scenes.map(({ objects }) => {
    const detections = objects.flatMap((object) => detect(random, object, classes));
    while (random.chance(MADE_UP)) detections.push(makeUp(random, classes));
    return detections.toSorted((a, b) => (b.confidence ?? 0) - (a.confidence ?? 0));
  });
}
