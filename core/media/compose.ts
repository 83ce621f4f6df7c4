/** Draws composed scenes and single pictures from atlases of drawings, as encoded image bytes. */
import type { Sharp } from "sharp";
import { NearsightError } from "../errors.ts";
import { loadSharp } from "./sharp.ts";

/** What lies behind a scene's objects; colours are CSS colours, places and sizes parts of the picture (0 to 1). */
export type SceneBackground =
  | { readonly kind: "plain"; readonly color: string }
  | { readonly kind: "gradient"; readonly from: string; readonly to: string; readonly diagonal: boolean }
  | {
      readonly kind: "landscape";
      readonly sky: readonly [string, string];
      readonly ground: readonly [string, string];
      readonly horizon: number;
      readonly stars: readonly (readonly [number, number])[];
    }
  | {
      readonly kind: "blobs";
      readonly color: string;
      readonly blobs: readonly {
        readonly x: number;
        readonly y: number;
        readonly radius: number;
        readonly color: string;
      }[];
    };

/** One drawing to place: its cell in the atlas of its style, and where and how it is drawn. */
export interface PlacedDrawing {
  readonly style: string;
  /** Left, top, width, height in the atlas, pixels. */
  readonly rect: readonly [number, number, number, number];
  /** Centre in the picture, pixels. */
  readonly center: readonly [number, number];
  /** Width and height before turning, pixels. */
  readonly size: readonly [number, number];
  /** Degrees clockwise. */
  readonly rotation: number;
  /** Mirrored left to right before turning. */
  readonly flip: boolean;
}

/** A picture to draw: later objects lie over earlier ones. */
export interface SceneDrawing {
  readonly width: number;
  readonly height: number;
  readonly background: SceneBackground;
  readonly objects: readonly PlacedDrawing[];
}

interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Decoded atlases by style: RGBA, 4 bytes a pixel. */
export type Atlases = ReadonlyMap<string, Pixels>;

const JPEG = { quality: 88, chromaSubsampling: "4:4:4" } as const;

/** Decodes one encoded atlas a style; throws PACKAGE_MISSING where sharp is not installed. */
export async function decodeAtlases(encoded: Readonly<Record<string, Uint8Array>>): Promise<Atlases> {
  const sharp = await loadSharp();
  const atlases = new Map<string, Pixels>();
  for (const [style, bytes] of Object.entries(encoded)) {
    const { data, info } = await sharp(bytes).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    atlases.set(style, { data, width: info.width, height: info.height });
  }
  return atlases;
}

/** Copies one cell out of an atlas. */
function cut(atlases: Atlases, style: string, rect: PlacedDrawing["rect"]): Pixels {
  const atlas = atlases.get(style);
  if (atlas === undefined) {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected a style among ${[...atlases.keys()].join(", ")} but found '${style}'`,
    });
  }
  const [left, top, width, height] = rect;
  const data = new Uint8Array(width * height * 4);
  for (let row = 0; row < height; row++) {
    const start = ((top + row) * atlas.width + left) * 4;
    data.set(atlas.data.subarray(start, start + width * 4), row * width * 4);
  }
  return { data, width, height };
}

async function toPixels(image: Sharp): Promise<Pixels> {
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

async function wrap({ data, width, height }: Pixels): Promise<Sharp> {
  const sharp = await loadSharp();
  return sharp(data, { raw: { width, height, channels: 4 } });
}

/** The drawing at its size, mirrored and turned; the canvas grows with the turn, the centre stays the centre. */
async function shape(
  atlases: Atlases,
  { style, rect, size, rotation, flip }: PlacedDrawing,
): Promise<Pixels> {
  const [width, height] = size;
  const sized = (await wrap(cut(atlases, style, rect))).resize({ width, height, fit: "fill" }).flop(flip);
  if (rotation === 0) return toPixels(sized);
  const turned = await wrap(await toPixels(sized));
  return toPixels(turned.rotate(rotation, { background: { r: 0, g: 0, b: 0, alpha: 0 } }));
}

function backgroundBody(background: SceneBackground, width: number, height: number): string {
  const rectangle = (fill: string, top = 0): string =>
    `<rect y="${top}" width="${width}" height="${height - top}" fill="${fill}"/>`;
  const gradient = (id: string, [from, to]: readonly [string, string], diagonal: boolean): string =>
    `<linearGradient id="${id}" x1="0" y1="0" x2="${diagonal ? 1 : 0}" y2="1">` +
    `<stop offset="0" stop-color="${from}"/><stop offset="1" stop-color="${to}"/></linearGradient>`;
  switch (background.kind) {
    case "plain":
      return rectangle(background.color);
    case "gradient":
      return gradient("a", [background.from, background.to], background.diagonal) + rectangle("url(#a)");
    case "landscape": {
      const stars = background.stars.map(
        ([x, y]) => `<circle cx="${x * width}" cy="${y * height}" r="1.2" fill="#fff" fill-opacity="0.8"/>`,
      );
      const fills = gradient("a", background.sky, false) + gradient("b", background.ground, false);
      return (
        fills + rectangle("url(#a)") + stars.join("") + rectangle("url(#b)", background.horizon * height)
      );
    }
    case "blobs": {
      const soft = `<filter id="s" x="-50%" y="-50%" width="200%" height="200%"><feGaussianBlur stdDeviation="14"/></filter>`;
      const circles = background.blobs.map(
        ({ x, y, radius, color }) =>
          `<circle cx="${x * width}" cy="${y * height}" r="${radius * height}" fill="${color}" filter="url(#s)"/>`,
      );
      return soft + rectangle(background.color) + circles.join("");
    }
  }
}

/** The scene as a JPEG (quality 88, 4:4:4): the same bytes for the same scene, atlases and version of sharp. */
export async function drawScene(scene: SceneDrawing, atlases: Atlases): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const { width, height, background } = scene;
  const layers = [];
  for (const object of scene.objects) {
    const pixels = await shape(atlases, object);
    const left = Math.round(object.center[0] - pixels.width / 2);
    const top = Math.round(object.center[1] - pixels.height / 2);
    const raw = { width: pixels.width, height: pixels.height, channels: 4 as const };
    layers.push({ input: Buffer.from(pixels.data), raw, left, top });
  }
  const body = backgroundBody(background, width, height);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${body}</svg>`;
  return sharp(Buffer.from(svg)).composite(layers).removeAlpha().jpeg(JPEG).toBuffer();
}

/** One drawing in the middle of a white square of `side` pixels, unscaled, as a PNG. */
export async function drawSingle(
  { style, rect }: Pick<PlacedDrawing, "style" | "rect">,
  side: number,
  atlases: Atlases,
): Promise<Uint8Array> {
  const [, , width, height] = rect;
  const left = Math.floor((side - width) / 2);
  const top = Math.floor((side - height) / 2);
  const background = "#fff";
  return (await wrap(cut(atlases, style, rect)))
    .flatten({ background })
    .extend({ left, top, right: side - width - left, bottom: side - height - top, background })
    .png({ compressionLevel: 6 })
    .toBuffer();
}
