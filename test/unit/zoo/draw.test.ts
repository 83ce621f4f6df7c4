/** Drawn scenes and pictures: the same pixels each time, and boxes that enclose exactly what was drawn. */
import { createHash } from "node:crypto";
import sharp from "sharp";
import { beforeAll, expect, test } from "vitest";
import { type ArtIndex, readArtIndex, readAtlases } from "../../../core/dataset/zoo/art.ts";
import { composeScenes, type ScenePlan } from "../../../core/dataset/zoo/scenes.ts";
import { type Atlases, decodeAtlases, drawScene, drawSingle } from "../../../core/media/compose.ts";

let art: ArtIndex;
let atlases: Atlases;
let plans: ScenePlan[];

beforeAll(async () => {
  art = await readArtIndex();
  atlases = await decodeAtlases(await readAtlases(art));
  plans = composeScenes({ art, seed: 77, count: 60 });
});

async function pixels(bytes: Uint8Array) {
  return sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
}

/** Bounds of what differs clearly between two pictures of one size: left, top, right, bottom, in pixels. */
function difference(a: Uint8Array, b: Uint8Array, width: number): [number, number, number, number] {
  const bounds: [number, number, number, number] = [Infinity, Infinity, -1, -1];
  for (let at = 0; at < a.length; at += 3) {
    const apart = [0, 1, 2].map((channel) => Math.abs((a[at + channel] ?? 0) - (b[at + channel] ?? 0)));
    if (Math.max(...apart) < 40) continue;
    const [x, y] = [(at / 3) % width, Math.floor(at / 3 / width)];
    bounds[0] = Math.min(bounds[0], x);
    bounds[1] = Math.min(bounds[1], y);
    bounds[2] = Math.max(bounds[2], x + 1);
    bounds[3] = Math.max(bounds[3], y + 1);
  }
  return bounds;
}

test("a scene is a 320 x 240 JPEG with the same bytes each time", async () => {
  const hashes = new Set<string>();
  for (const plan of plans.slice(0, 5)) {
    const [first, second] = [await drawScene(plan, atlases), await drawScene(plan, atlases)];
    expect(createHash("sha256").update(first).digest("hex")).toBe(
      createHash("sha256").update(second).digest("hex"),
    );
    const { format, width, height, chromaSubsampling } = await sharp(first).metadata();
    expect({ format, width, height, chromaSubsampling }).toEqual({
      format: "jpeg",
      width: 320,
      height: 240,
      chromaSubsampling: "4:4:4",
    });
    hashes.add(createHash("sha256").update(first).digest("hex"));
  }
  expect(hashes.size).toBe(5);
});

test("each box encloses what its object changes in the picture, to two pixels", async () => {
  for (const plan of plans) {
    // A magenta ground that no drawing has, so that every drawn pixel shows.
    const background = { kind: "plain", color: "#f0f" } as const;
    const empty = await pixels(await drawScene({ ...plan, background, objects: [] }, atlases));
    for (const object of plan.objects) {
      const drawn = await pixels(await drawScene({ ...plan, background, objects: [object] }, atlases));
      const found = difference(drawn.data, empty.data, drawn.info.width);
      const [left, top, width, height] = object.box;
      const expected = [left * 320, top * 240, (left + width) * 320, (top + height) * 240];
      const off = expected.map((edge, index) => Math.abs(edge - (found[index] ?? 0)));
      expect(Math.max(...off), `${plan.name} ${object.style} ${object.concept}`).toBeLessThanOrEqual(2.5);
    }
  }
});

test("a single picture is white around the drawing, which lies in its middle", async () => {
  const dog = art.concepts.find(({ name }) => name === "dog")?.styles.noto;
  if (dog === undefined) throw new Error("no dog");
  const bytes = await drawSingle({ style: "noto", rect: dog.rect }, 128, atlases);
  const { data, info } = await pixels(bytes);
  expect(await sharp(bytes).metadata()).toMatchObject({ format: "png", hasAlpha: false });
  expect([info.width, info.height]).toEqual([128, 128]);
  expect([...data.subarray(0, 3)]).toEqual([255, 255, 255]);
  const white = new Uint8Array(data.length).fill(255);
  const [left, top, right, bottom] = difference(data, white, 128);
  expect(Math.abs(left - (128 - right))).toBeLessThanOrEqual(2);
  expect(Math.abs(top - (128 - bottom))).toBeLessThanOrEqual(2);
  expect(Math.max(right - left, bottom - top)).toBeGreaterThan(108);
});

test("an unknown style is an error naming the known ones", async () => {
  await expect(drawSingle({ style: "pixel", rect: [0, 0, 1, 1] }, 8, atlases)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringMatching(/noto.*'pixel'/),
  });
});
