/** Renders the zoo's drawings from the npm icon packages into core/dataset/zoo/art: one WebP atlas a style, and art.json. */
import { mkdir, writeFile } from "node:fs/promises";
import sharp from "sharp";
import type { ArtConcept, ArtIndex, ArtSprite, ArtStyle } from "../../core/dataset/zoo/art.ts";
import { type ConceptRow, concepts } from "./concepts.ts";
import { convexHull, opaqueBounds } from "./hull.ts";
import { iconSvg, packageVersion, type StyleName, styleNames, styles } from "./icons.ts";

const CELL = 112;
/** Empty pixels between cells, so that lossy blocks of one drawing do not stain the next: 16 is a WebP block. */
const PITCH = 128;
const COLUMNS = 13;
const QUALITY = 78;
const TARGET = new URL("../../core/dataset/zoo/art/", import.meta.url);

interface Drawing {
  concept: ConceptRow;
  rgba: Uint8Array;
  width: number;
  height: number;
}

/** The concept in this style, its longer opaque side CELL pixels, trimmed. */
async function draw(style: StyleName, concept: ConceptRow): Promise<Drawing | null> {
  const large = iconSvg(style, concept, 4 * CELL);
  if (large === null) return null;
  const raw = await sharp(Buffer.from(large)).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const [left, top, width, height] = opaqueBounds(raw.data, raw.info.width, raw.info.height);
  const scale = CELL / Math.max(width, height);
  const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
  const rgba = await sharp(raw.data, { raw: { width: raw.info.width, height: raw.info.height, channels: 4 } })
    .extract({ left, top, width, height })
    .resize({ ...size, fit: "fill" })
    .raw()
    .toBuffer();
  return { concept, rgba, ...size };
}

async function writeAtlas(style: StyleName, drawings: readonly Drawing[]): Promise<Map<string, ArtSprite>> {
  const sprites = new Map<string, ArtSprite>();
  const layers = drawings.map(({ concept, rgba, width, height }, index) => {
    const left = (index % COLUMNS) * PITCH;
    const top = Math.floor(index / COLUMNS) * PITCH;
    const [x, y, w, h] = opaqueBounds(rgba, width, height);
    const cut = x + y > 0 || w < width || h < height;
    if (cut && (width - w > 2 || height - h > 2))
      throw new Error(`${style} '${concept.name}' is not trimmed`);
    const hull = convexHull(rgba, width, height);
    const inScenes = concept.quickstart === true && styles[style].scenes;
    sprites.set(concept.name, { rect: [left, top, width, height], ...(inScenes ? { hull } : {}) });
    return { input: Buffer.from(rgba), raw: { width, height, channels: 4 as const }, left, top };
  });
  const atlas = sharp({
    create: {
      width: COLUMNS * PITCH,
      height: Math.ceil(drawings.length / COLUMNS) * PITCH,
      channels: 4,
      background: { r: 0, g: 0, b: 0, alpha: 0 },
    },
  }).composite(layers);
  const bytes = await atlas
    .webp({ quality: QUALITY, alphaQuality: 60, smartSubsample: true, effort: 6 })
    .toBuffer();
  await writeFile(new URL(`${style}.webp`, TARGET), bytes);
  console.log(`${style}: ${drawings.length} drawings, ${bytes.length} bytes`);
  return sprites;
}

function conceptEntry(
  concept: ConceptRow,
  sprites: ReadonlyMap<StyleName, Map<string, ArtSprite>>,
): ArtConcept {
  const { fxemoji: _fxemoji, notoV1: _notoV1, ...shown } = concept;
  const drawn = styleNames.flatMap((style) => {
    const sprite = sprites.get(style)?.get(concept.name);
    return sprite === undefined ? [] : [[style, sprite] as const];
  });
  if (drawn.length < 3)
    throw new Error(`'${concept.name}' is drawn in ${drawn.length} styles, at least 3 are needed`);
  return { ...shown, styles: Object.fromEntries(drawn) };
}

function styleEntry(style: StyleName): ArtStyle {
  const name = `@iconify-json/${style}`;
  return { file: `${style}.webp`, package: name, version: packageVersion(style), ...styles[style] };
}

/** JSON with one concept a line, so that differences read well. */
function writeIndex(index: ArtIndex): string {
  const lines = index.concepts.map((concept) => `    ${JSON.stringify(concept)}`);
  const head = JSON.stringify({ cell: index.cell, styles: index.styles }, null, 2).slice(0, -2);
  return `${head},\n  "concepts": [\n${lines.join(",\n")}\n  ]\n}\n`;
}

await mkdir(TARGET, { recursive: true });
const sprites = new Map<StyleName, Map<string, ArtSprite>>();
for (const style of styleNames) {
  const drawings: Drawing[] = [];
  for (const concept of concepts) {
    const drawing = await draw(style, concept);
    if (drawing !== null) drawings.push(drawing);
  }
  sprites.set(style, await writeAtlas(style, drawings));
}
const index: ArtIndex = {
  cell: CELL,
  styles: Object.fromEntries(styleNames.map((style) => [style, styleEntry(style)])),
  concepts: concepts.map((concept) => conceptEntry(concept, sprites)),
};
await writeFile(new URL("art.json", TARGET), writeIndex(index));
