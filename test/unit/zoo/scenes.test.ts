/** Plans of composed scenes: the same for the same seed, balanced, in range, not covering each other, well captioned. */
import { beforeAll, describe, expect, test } from "vitest";
import { type ArtIndex, readArtIndex } from "../../../core/dataset/zoo/art.ts";
import { writeCaption } from "../../../core/dataset/zoo/caption.ts";
import { intersectionOverUnion } from "../../../core/dataset/zoo/placement.ts";
import { QUICKSTART_COUNT, QUICKSTART_SEED } from "../../../core/dataset/zoo/quickstart.ts";
import { createRandom } from "../../../core/dataset/zoo/random.ts";
import { composeScenes, type ScenePlan } from "../../../core/dataset/zoo/scenes.ts";

let art: ArtIndex;
let plans: ScenePlan[];

beforeAll(async () => {
  art = await readArtIndex();
  plans = composeScenes({ art, seed: QUICKSTART_SEED, count: QUICKSTART_COUNT });
});

describe("createRandom", () => {
  test("gives mulberry32's numbers", () => {
    const random = createRandom(1);
    expect(Array.from({ length: 5 }, () => random.between(0, 999))).toEqual([627, 2, 527, 981, 968]);
  });

  test("shuffles a copy", () => {
    const list = [1, 2, 3, 4, 5, 6, 7, 8];
    const shuffled = createRandom(3).shuffle(list);
    expect(list).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(shuffled).not.toEqual(list);
    expect(shuffled.toSorted()).toEqual(list);
  });
});

describe("composeScenes", () => {
  test("gives the same plans for the same seed, other plans for another", () => {
    const again = composeScenes({ art, seed: QUICKSTART_SEED, count: QUICKSTART_COUNT });
    expect(again).toEqual(plans);
    expect(composeScenes({ art, seed: QUICKSTART_SEED + 1, count: 20 })).not.toEqual(plans.slice(0, 20));
  });

  test("begins alike whatever the count", () => {
    expect(composeScenes({ art, seed: QUICKSTART_SEED, count: 25 })).toEqual(plans.slice(0, 25));
  });

  test("shows every class in at least 10 of quickstart's scenes", () => {
    const classes = art.concepts.filter((concept) => concept.quickstart).map(({ name }) => name);
    const counts = classes.map(
      (name) => plans.filter(({ objects }) => objects.some(({ concept }) => concept === name)).length,
    );
    expect(classes.length).toBeGreaterThanOrEqual(40);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(10);
    expect(Math.max(...counts)).toBeLessThanOrEqual(25);
  });

  test("places one to six objects a scene, about 3.3 on average", () => {
    const counts = plans.map(({ objects }) => objects.length);
    expect([Math.min(...counts), Math.max(...counts)]).toEqual([1, 6]);
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    expect(mean).toBeGreaterThan(3);
    expect(mean).toBeLessThan(3.6);
  });

  test("keeps boxes inside the picture and apart", () => {
    for (const { name, objects } of plans) {
      const boxes = objects.map(({ box }) => box);
      for (const [left, top, width, height] of boxes) {
        expect(Math.min(left, top), name).toBeGreaterThan(0);
        expect(Math.max(left + width, top + height), name).toBeLessThan(1);
        expect(Math.min(width, height), name).toBeGreaterThan(0.03);
      }
      const overlaps = boxes.flatMap((box, index) =>
        boxes.slice(index + 1).map((other) => intersectionOverUnion(box, other)),
      );
      expect(Math.max(0, ...overlaps), name).toBeLessThanOrEqual(0.1);
    }
  });

  test("sizes objects by how many there are", () => {
    for (const { objects } of plans) {
      const [smallest, largest] = objects.length > 3 ? [0.22, 0.4] : [0.22, 0.55];
      for (const { size } of objects) {
        expect(Math.max(...size) / 240).toBeGreaterThan(smallest - 0.005);
        expect(Math.max(...size) / 240).toBeLessThan(largest + 0.005);
      }
    }
  });

  test("never mirrors what must not be mirrored, and turns by 12 degrees at most", () => {
    const fixed = new Set(art.concepts.filter(({ noFlip }) => noFlip).map(({ name }) => name));
    const objects = plans.flatMap((plan) => plan.objects);
    expect(objects.filter(({ concept, flip }) => flip && fixed.has(concept))).toEqual([]);
    expect(objects.some(({ flip }) => flip)).toBe(true);
    expect(Math.max(...objects.map(({ rotation }) => Math.abs(rotation)))).toBe(12);
  });

  test("draws from the styles asked for, else from those meant for scenes", () => {
    const used = new Set(plans.flatMap(({ objects }) => objects.map(({ style }) => style)));
    expect([...used].toSorted()).toEqual(["fluent-emoji-flat", "fxemoji", "noto", "noto-v1"]);
    const twemoji = composeScenes({ art, seed: 1, count: 10, styles: ["twemoji"] });
    expect(new Set(twemoji.flatMap(({ objects }) => objects.map(({ style }) => style)))).toEqual(
      new Set(["twemoji"]),
    );
  });

  test("tags every scene with one split, one place, and outdoors one time", () => {
    const splits = new Set<string>();
    const times = new Set<string>();
    for (const { tags, background } of plans) {
      const [split = "", place, ...time] = tags;
      splits.add(split);
      for (const word of time) times.add(word);
      expect(place).toBe(background.kind === "landscape" ? "outdoor" : "studio");
      expect(time).toHaveLength(place === "outdoor" ? 1 : 0);
    }
    expect(splits).toEqual(new Set(["train", "validation", "test"]));
    expect(times).toEqual(new Set(["day", "sunset", "night"]));
  });

  test("captions name each object as often as it is there", () => {
    const numbers = new Map([
      ["a", 1],
      ["an", 1],
      ["two", 2],
      ["three", 3],
      ["four", 4],
      ["five", 5],
      ["six", 6],
    ]);
    for (const { caption, objects } of plans) {
      const phrases = caption.slice("A photo of ".length, -1).split(/, | and /);
      const counts = phrases.map((phrase) => {
        const [first = "", ...rest] = phrase.split(" ");
        const noun = rest.join(" ");
        const concept = art.concepts.find(
          ({ name, plural }) => name === noun || (plural ?? `${name}s`) === noun,
        );
        const found = objects.filter((object) => object.concept === concept?.name).length;
        expect(found, caption).toBe(first === "some" ? found : numbers.get(first));
        expect(found, caption).toBeGreaterThan(0);
        return found;
      });
      expect(
        counts.reduce((sum, count) => sum + count, 0),
        caption,
      ).toBe(objects.length);
    }
  });
});

test("writeCaption joins by commas and 'and', counts, and chooses the article", () => {
  const concept = (name: string) => {
    const found = art.concepts.find((candidate) => candidate.name === name);
    if (found === undefined) throw new Error(`no concept '${name}'`);
    return found;
  };
  const caption = (...names: string[]) => writeCaption(names.map(concept));
  expect(caption("dog", "apple", "apple", "bus")).toBe("A photo of a dog, two apples and a bus.");
  expect(caption("umbrella")).toBe("A photo of an umbrella.");
  expect(caption("unicorn", "scissors")).toBe("A photo of a unicorn and some scissors.");
  expect(caption("bus", "bus", "bus")).toBe("A photo of three buses.");
  expect(caption("sheep", "sheep")).toBe("A photo of two sheep.");
});
