/** The index of the drawings shipped for the zoo data sets, and where its files lie. */
import { readFile } from "node:fs/promises";
import { dataUrl } from "../../location.ts";
import { type Atlases, decodeAtlases } from "../../media/compose.ts";

/** One drawing: where it lies in its style's atlas, and its outline. */
export interface ArtSprite {
  /** Left, top, width, height in pixels of the atlas, tight around the opaque pixels. */
  readonly rect: readonly [number, number, number, number];
  /** Convex outline of the opaque pixels, x0, y0, x1, y1, ... in pixels from the rectangle's corner. */
  readonly hull?: readonly number[];
}

/** One concept of the zoo: a thing drawn in several styles. */
export interface ArtConcept {
  readonly name: string;
  readonly emoji: string;
  readonly group: string;
  /** A class of the composed scenes. */
  readonly quickstart?: true;
  readonly plural?: string;
  /** "some" for things said without a number. */
  readonly article?: "some";
  /** Must not be mirrored. */
  readonly noFlip?: true;
  /** Drawings by style. */
  readonly styles: Readonly<Record<string, ArtSprite>>;
}

/** Where a style's drawings come from. */
export interface ArtStyle {
  readonly file: string;
  readonly package: string;
  readonly version: string;
  readonly license: string;
  readonly source: string;
  /** Drawn into composed scenes; the other styles appear in `emoji` only. */
  readonly scenes: boolean;
}

/** What `art/art.json` holds. */
export interface ArtIndex {
  /** Longest side of a drawing in pixels. */
  readonly cell: number;
  readonly styles: Readonly<Record<string, ArtStyle>>;
  readonly concepts: readonly ArtConcept[];
}

const FOLDER = dataUrl("dataset/zoo/art/");

/** Reads the index of the shipped drawings. */
export async function readArtIndex(): Promise<ArtIndex> {
  return JSON.parse(await readFile(new URL("art.json", FOLDER), "utf8")) as ArtIndex;
}

/** Reads the WebP atlas of every style of the index, by style. */
export async function readAtlases(index: ArtIndex): Promise<Record<string, Uint8Array>> {
  const atlases: Record<string, Uint8Array> = {};
  for (const [style, { file }] of Object.entries(index.styles)) {
    atlases[style] = await readFile(new URL(file, FOLDER));
  }
  return atlases;
}

/** Decodes the atlases at the first call, and once: where every picture is there already, nothing is decoded. */
export function lazyAtlases(index: ArtIndex): () => Promise<Atlases> {
  let atlases: Promise<Atlases> | undefined;
  return () => {
    atlases ??= readAtlases(index).then(decodeAtlases);
    return atlases;
  };
}
