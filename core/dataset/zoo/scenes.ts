/** Plans composed scenes: which drawings lie where on which background, from a seed alone. */
import type { PlacedDrawing, SceneDrawing } from "../../media/compose.ts";
import type { ArtConcept, ArtIndex } from "./art.ts";
import { chooseSetting, type Setting } from "./backgrounds.ts";
import { writeCaption } from "./caption.ts";
import { type Box, findPlace, type Pose, poseBounds } from "./placement.ts";
import { createRandom, type Random } from "./random.ts";

/** One object of a scene. */
export interface SceneObject extends PlacedDrawing {
  /** Name of the concept, the label. */
  readonly concept: string;
  /** Left, top, width, height of the opaque pixels, as parts of the picture (0 to 1). */
  readonly box: Box;
}

/** A scene to draw, and what is to be said about it. */
export interface ScenePlan extends SceneDrawing {
  readonly name: string;
  readonly objects: readonly SceneObject[];
  readonly caption: string;
  /** The split (train, validation or test), outdoor or studio, and outdoors the time (day, sunset or night). */
  readonly tags: readonly string[];
}

/** What to compose. */
export interface ComposeOptions {
  readonly art: ArtIndex;
  /** 32-bit integer. */
  readonly seed: number;
  /** How many scenes; the first ones are the same for every count. */
  readonly count: number;
  /** Styles to draw from; default: those meant for scenes. */
  readonly styles?: readonly string[];
}

const WIDTH = 320;
const HEIGHT = 240;
const MAX_TURN = 12;
/** Of 100 scenes, how many have one, two, ... six objects. */
const COUNT_SHARES = [14, 21, 22, 18, 14, 11];
/** Of 100 further objects of a scene, how many repeat a concept it has. */
const REPEATS = 14;
const FLYING = new Set(["bird", "airplane", "kite", "balloon", "helicopter", "rocket", "butterfly", "bee"]);

/** Deals concepts so that all come up equally often: a shuffled deck, shuffled again when it is used up. */
function createDeck(random: Random, concepts: readonly ArtConcept[]) {
  let deck: ArtConcept[] = [];
  return {
    deal(): ArtConcept {
      if (deck.length === 0) deck = random.shuffle(concepts);
      return deck.pop() as ArtConcept;
    },
    putBack(concept: ArtConcept): void {
      deck.unshift(concept);
    },
  };
}

function chooseCount(random: Random): number {
  let draw = random.between(0, 99);
  const index = COUNT_SHARES.findIndex((share) => {
    draw -= share;
    return draw < 0;
  });
  return index + 1;
}

/** Turns, mirrors and sizes a drawing; `size` is its longer side, pixels. */
function choosePose(random: Random, concept: ArtConcept, rect: PlacedDrawing["rect"], size: number): Pose {
  const scale = size / Math.max(rect[2], rect[3]);
  return {
    size: [Math.round(rect[2] * scale), Math.round(rect[3] * scale)],
    rotation: random.between(-MAX_TURN, MAX_TURN),
    flip: concept.noFlip !== true && random.chance(50),
  };
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

/** Places one object, smaller on each further try; null where there is no room left. */
function placeObject(
  random: Random,
  concept: ArtConcept,
  scene: { setting: Setting; count: number; taken: Box[]; styles: readonly string[] },
): SceneObject | null {
  const style = random.pick(scene.styles.filter((name) => concept.styles[name] !== undefined));
  const sprite = concept.styles[style];
  if (sprite === undefined) return null;
  const [smallest, largest] = scene.count <= 3 ? [28, 55] : [22, 40];
  let percent = random.between(smallest, largest);
  for (let attempt = 0; attempt < 4; attempt++) {
    const pose = choosePose(random, concept, sprite.rect, (percent * HEIGHT) / 100);
    const bounds = poseBounds(sprite, pose);
    const room = {
      width: WIDTH,
      height: HEIGHT,
      background: scene.setting.background,
      flies: FLYING.has(concept.name),
    };
    const place = findPlace(random, bounds, scene.taken, room);
    if (place !== null) {
      scene.taken.push(place.box);
      const [x, y, width, height] = place.box;
      const box = [
        round(x / WIDTH),
        round(y / HEIGHT),
        round(width / WIDTH),
        round(height / HEIGHT),
      ] as const;
      return { concept: concept.name, style, rect: sprite.rect, center: place.center, ...pose, box };
    }
    percent = Math.max(smallest, Math.round(percent * 0.8));
  }
  return null;
}

function chooseSplit(random: Random): string {
  const draw = random.between(0, 9);
  if (draw < 6) return "train";
  return draw < 8 ? "validation" : "test";
}

function composeScene(
  random: Random,
  name: string,
  deck: ReturnType<typeof createDeck>,
  styles: readonly string[],
): ScenePlan {
  const count = chooseCount(random);
  const setting = chooseSetting(random, count);
  const scene = { setting, count, taken: [] as Box[], styles };
  const placed: { concept: ArtConcept; object: SceneObject }[] = [];
  for (let index = 0; index < count; index++) {
    const repeats = placed.length > 0 && random.chance(REPEATS);
    const concept = repeats ? random.pick(placed).concept : deck.deal();
    const object = placeObject(random, concept, scene);
    if (object !== null) placed.push({ concept, object });
    else if (!repeats) deck.putBack(concept);
  }
  const bottom = ({ object: { box } }: (typeof placed)[number]): number => box[1] + box[3];
  const objects = placed.toSorted((a, b) => bottom(a) - bottom(b)).map(({ object }) => object);
  const caption = writeCaption(placed.map(({ concept }) => concept));
  const tags = [chooseSplit(random), ...setting.tags];
  return { name, width: WIDTH, height: HEIGHT, background: setting.background, objects, caption, tags };
}

/** Plans `count` scenes of 320 x 240 pixels with one to six objects each: the same plans for the same options. */
export function composeScenes({ art, seed, count, styles }: ComposeOptions): ScenePlan[] {
  const random = createRandom(seed);
  const used = styles ?? Object.keys(art.styles).filter((style) => art.styles[style]?.scenes);
  const classes = art.concepts.filter(
    (concept) => concept.quickstart === true && used.some((style) => concept.styles[style] !== undefined),
  );
  const deck = createDeck(random, classes);
  return Array.from({ length: count }, (_, index) =>
    composeScene(random, `scene-${String(index + 1).padStart(4, "0")}`, deck, used),
  );
}
