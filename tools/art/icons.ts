/** Finds the SVG of a concept in the npm icon packages. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { ConceptRow } from "./concepts.ts";

interface Icon {
  body: string;
  left?: number;
  top?: number;
  width?: number;
  height?: number;
}

interface IconSet {
  icons: Record<string, Icon>;
  aliases?: Record<string, { parent: string }>;
  width: number;
  height: number;
}

const require = createRequire(import.meta.url);

function readJson<T>(specifier: string): T {
  return JSON.parse(readFileSync(require.resolve(specifier), "utf8")) as T;
}

/** The styles of the zoo with what NOTICE and art.json say about them; `scenes`: drawn into quickstart. */
export const styles = {
  noto: { license: "Apache-2.0", source: "https://github.com/googlefonts/noto-emoji", scenes: true },
  "noto-v1": { license: "Apache-2.0", source: "https://github.com/googlefonts/noto-emoji", scenes: true },
  "fluent-emoji-flat": {
    license: "MIT",
    source: "https://github.com/microsoft/fluentui-emoji",
    scenes: true,
  },
  fxemoji: { license: "Apache-2.0", source: "https://github.com/mozilla/fxemoji", scenes: true },
  twemoji: { license: "CC-BY-4.0", source: "https://github.com/twitter/twemoji", scenes: false },
} as const;

export type StyleName = keyof typeof styles;

export const styleNames = Object.keys(styles) as StyleName[];

const sets = new Map<StyleName, IconSet>();
const characters = new Map<StyleName, Record<string, string>>();

function iconSet(style: StyleName): IconSet {
  const set = sets.get(style) ?? readJson<IconSet>(`@iconify-json/${style}/icons.json`);
  sets.set(style, set);
  return set;
}

function nameByCharacter(style: StyleName, emoji: string): string | undefined {
  const table =
    characters.get(style) ?? readJson<Record<string, string>>(`@iconify-json/${style}/chars.json`);
  characters.set(style, table);
  const code = [...emoji]
    .map((character) => (character.codePointAt(0) ?? 0).toString(16))
    .filter((part) => part !== "fe0f")
    .join("-");
  return table[code] ?? table[`${code}-fe0f`];
}

function iconName(style: StyleName, concept: ConceptRow): string | undefined {
  if (style === "fxemoji") return concept.fxemoji;
  if (style !== "noto-v1") return nameByCharacter(style, concept.emoji);
  if (concept.notoV1 === null) return undefined;
  return concept.notoV1 ?? nameByCharacter("noto", concept.emoji);
}

/** The version of a style's icon package that is installed. */
export function packageVersion(style: StyleName): string {
  return readJson<{ version: string }>(`@iconify-json/${style}/package.json`).version;
}

/** The picture of a concept in a style as SVG text of `size` pixels, or null where the style has none. */
export function iconSvg(style: StyleName, concept: ConceptRow, size: number): string | null {
  const name = iconName(style, concept);
  if (name === undefined) return null;
  const set = iconSet(style);
  const icon = set.icons[set.aliases?.[name]?.parent ?? name];
  if (icon === undefined) {
    if (style === "noto-v1") return null;
    throw new Error(`${style} has no icon named '${name}' for '${concept.name}'`);
  }
  const box = [icon.left ?? 0, icon.top ?? 0, icon.width ?? set.width, icon.height ?? set.height];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ` +
    `width="${size}" height="${size}" viewBox="${box.join(" ")}">${icon.body}</svg>`
  );
}
