/** The shipped drawings: small enough, complete, and lying where the index says. */
import { readdir, readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { beforeAll, expect, test } from "vitest";
import { type ArtIndex, readArtIndex, readAtlases } from "../../../core/dataset/zoo/art.ts";

const folder = fileURLToPath(new URL("../../../core/dataset/zoo/art/", import.meta.url));
let art: ArtIndex;

beforeAll(async () => {
  art = await readArtIndex();
});

test("takes at most 2 MB", async () => {
  const names = await readdir(folder);
  const sizes = await Promise.all(names.map(async (name) => (await stat(`${folder}${name}`)).size));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(2_000_000);
  expect(names.toSorted()).toEqual(
    ["art.json", ...Object.values(art.styles).map(({ file }) => file)].toSorted(),
  );
});

test("has 120 to 160 differently named concepts, each in at least three styles", () => {
  const names = new Set(art.concepts.map(({ name }) => name));
  expect(names.size).toBe(art.concepts.length);
  expect(names.size).toBeGreaterThanOrEqual(120);
  expect(names.size).toBeLessThanOrEqual(160);
  expect(art.concepts.filter(({ styles }) => Object.keys(styles).length < 3)).toEqual([]);
});

test("has at least two scene styles and an outline in each for every class of quickstart", () => {
  for (const { name, quickstart, styles } of art.concepts) {
    if (!quickstart) continue;
    const drawn = Object.entries(styles).filter(([style]) => art.styles[style]?.scenes);
    expect(drawn.length, name).toBeGreaterThanOrEqual(2);
    expect(
      drawn.filter(([, { hull }]) => hull === undefined || hull.length < 6),
      name,
    ).toEqual([]);
  }
});

test("NOTICE names every style's file, source and licence", async () => {
  const notice = await readFile(new URL("../../../NOTICE", import.meta.url), "utf8");
  const words = {
    "Apache-2.0": "Apache License, Version 2.0",
    MIT: "MIT License",
    "CC-BY-4.0": "Attribution 4.0",
  };
  for (const { file, source, license } of Object.values(art.styles)) {
    expect(notice).toContain(file);
    expect(notice).toContain(source);
    expect(notice).toContain(words[license as keyof typeof words]);
  }
});

test("every rectangle is tight around a drawing whose longer side is a cell", async () => {
  for (const [style, bytes] of Object.entries(await readAtlases(art))) {
    const { data, info } = await sharp(bytes).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    const opaque = (x: number, y: number): boolean => (data[(y * info.width + x) * 4 + 3] ?? 0) >= 24;
    for (const { name, styles } of art.concepts) {
      const [left, top, width, height] = styles[style]?.rect ?? [];
      if (left === undefined || top === undefined || width === undefined || height === undefined) continue;
      expect(Math.max(width, height), `${style} ${name}`).toBe(art.cell);
      const across = Array.from({ length: width }, (_, x) => left + x);
      const down = Array.from({ length: height }, (_, y) => top + y);
      const edges = [
        [top, top + 1].some((y) => across.some((x) => opaque(x, y))),
        [top + height - 1, top + height - 2].some((y) => across.some((x) => opaque(x, y))),
        [left, left + 1].some((x) => down.some((y) => opaque(x, y))),
        [left + width - 1, left + width - 2].some((x) => down.some((y) => opaque(x, y))),
        across.every((x) => !opaque(x, top + height + 2)),
        down.every((y) => !opaque(left + width + 2, y)),
      ];
      expect(edges, `${style} ${name}`).toEqual([true, true, true, true, true, true]);
    }
  }
});
