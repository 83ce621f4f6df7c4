/** Renders results of similarity searches as one self-contained HTML page. */

import { SHEET_STYLE } from "./sheet-style.ts";

/** A small picture inside the page. */
export interface SheetPicture {
  /** `data:` URL. */
  readonly dataUrl: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

/** Left, top, width, height relative to the thumbnail (0 to 1). */
export type SheetBox = readonly [number, number, number, number];

export interface SheetQuery {
  readonly kind: "id" | "image" | "prompt" | "vector" | "kept";
  /** What was searched for: the prompt, a file name, an id. */
  readonly label: string;
  readonly thumbnail?: SheetPicture | null;
  /** Drawn over the thumbnail. */
  readonly box?: SheetBox | null;
}

export interface SheetResult {
  /** From 1. */
  readonly rank: number;
  readonly id: string;
  readonly filepath: string;
  readonly labels?: readonly string[];
  /** Null where only the distance tells anything. */
  readonly score: number | null;
  readonly distance: number;
  /** Null where the file cannot be read: a placeholder takes its place. */
  readonly thumbnail: SheetPicture | null;
  readonly box?: SheetBox | null;
}

export interface SheetSearch {
  readonly query: SheetQuery;
  readonly results: readonly SheetResult[];
  /** Names and values shown under the query, such as index, metric and k. */
  readonly facts: Readonly<Record<string, string>>;
}

export interface Sheet {
  readonly title: string;
  readonly searches: readonly SheetSearch[];
  /** Small print at the end. */
  readonly footer?: string;
}

const MAX_CHIPS = 3;

const KINDS = {
  id: "Similar to",
  image: "Similar to this image",
  prompt: "Prompt",
  vector: "Similar to this vector",
  kept: "Nearly the same as",
} as const;

/**
 * The page as text: pictures, style and texts are inside, nothing is loaded from elsewhere. Texts are escaped.
 *
 * @example
 * await writeFile("results.html", renderSheet({ title: "Dogs", searches: [{ query, results, facts }] }));
 */
export function renderSheet({ title, searches, footer }: Sheet): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${SHEET_STYLE}</style>
</head>
<body>
<header><h1>${escapeHtml(title)}</h1></header>
<main>
${searches.map(renderSearch).join("\n")}
</main>
<footer>${escapeHtml(footer ?? "Made by nearsight. Distance falls and score rises with similarity.")}</footer>
</body>
</html>
`;
}

function renderSearch(search: SheetSearch): string {
  const { query, results } = search;
  const body =
    results.length === 0
      ? '<p class="empty">Nothing found.</p>'
      : `<ol class="results">${results.map(renderResult).join("\n")}</ol>`;
  return `<section style="--frame: ${frameRatio(results)}" aria-label="${escapeHtml(`${KINDS[query.kind]} ${query.label}`)}">
${renderQuery(search)}
${body}
</section>`;
}

function renderQuery({ query, facts }: SheetSearch): string {
  const { kind, label, thumbnail, box } = query;
  const picture =
    thumbnail == null ? "" : `<div class="frame">${renderPicture(thumbnail, `Query: ${label}`, box)}</div>`;
  const text =
    kind === "prompt"
      ? `<p class="prompt">${escapeHtml(label)}</p>`
      : `<p class="name" title="${escapeHtml(label)}">${escapeHtml(label)}</p>`;
  const rows = Object.entries(facts).map(
    ([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`,
  );
  return `<div class="query"><h2>${KINDS[kind]}</h2>${picture}<div class="about">${text}<dl class="facts">${rows.join("")}</dl></div></div>`;
}

function renderResult(result: SheetResult): string {
  const { rank, id, filepath, labels = [], score, distance, thumbnail, box } = result;
  const name = fileName(filepath);
  const shown = labels.slice(0, MAX_CHIPS).map((label) => `<li>${escapeHtml(label)}</li>`);
  const more = labels.length - shown.length;
  if (more > 0) shown.push(`<li title="${escapeHtml(labels.slice(MAX_CHIPS).join(", "))}">+${more}</li>`);
  const what = labels.length === 0 ? name : `${labels.slice(0, MAX_CHIPS).join(", ")} in ${name}`;
  const picture =
    thumbnail === null
      ? '<div class="missing" role="img" aria-label="The file cannot be read">no picture</div>'
      : renderPicture(thumbnail, `Result ${rank}: ${what}`, box);
  return `<li class="card" id="result-${escapeHtml(id)}-${rank}">
<div class="frame">${picture}</div>
<div class="line"><span class="rank">${rank}</span><span class="name" title="${escapeHtml(filepath)}">${escapeHtml(name)}</span></div>
${renderNumbers(distance, score)}
${shown.length === 0 ? "" : `<ul class="chips">${shown.join("")}</ul>`}
</li>`;
}

function renderNumbers(distance: number, score: number | null): string {
  if (score === null) return `<dl class="numbers"><dt>distance</dt><dd>${figure(distance)}</dd></dl>`;
  return `<dl class="numbers"><dt>distance</dt><dt>score</dt><dd>${figure(distance)}</dd><dd>${figure(score)}</dd></dl>`;
}

function renderPicture(picture: SheetPicture, description: string, box: SheetBox | null | undefined): string {
  const { dataUrl, width, height } = picture;
  const outline = box == null ? "" : `<span class="box" style="${boxStyle(box)}"></span>`;
  return `<div class="picture" style="--ratio: ${round(width / height)}"><img src="${escapeHtml(dataUrl)}" width="${width}" height="${height}" alt="${escapeHtml(description)}">${outline}</div>`;
}

function boxStyle(box: SheetBox): string {
  const [left, top, width, height] = box.map((value) => `${round(value * 100)}%`);
  return `left: ${left}; top: ${top}; width: ${width}; height: ${height}`;
}

/** Frames take the shape most results have, within reason, so that few pictures leave empty borders. */
function frameRatio(results: readonly SheetResult[]): number {
  const ratios = results
    .flatMap(({ thumbnail }) => (thumbnail === null ? [] : [thumbnail.width / thumbnail.height]))
    .sort((a, b) => a - b);
  const median = ratios[Math.floor(ratios.length / 2)] ?? 1;
  return round(Math.max(3 / 4, Math.min(median, 16 / 9)));
}

function fileName(filepath: string): string {
  return filepath.split(/[/\\]/).at(-1) || filepath;
}

/** Four decimals are what float32 distances are good for across backends. */
function figure(value: number): string {
  return Number.isFinite(value) ? value.toFixed(4) : "–";
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
