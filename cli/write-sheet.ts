/** Writes results of searches as an HTML page, with a small copy of every picture inside. */

import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import pMap from "p-map";
import { NearsightError, thumbnail } from "../core/index.ts";
import type { FoundHit, FoundSearch } from "./searching.ts";
import { renderSheet, type SheetBox, type SheetPicture, type SheetQuery, type SheetSearch } from "./sheet.ts";

/** What was searched for, as the page shows it. */
export interface ShownQuery extends Pick<SheetQuery, "kind" | "label"> {
  readonly filepath?: string;
  readonly box?: SheetBox | null;
}

/** Longest side in pixels: sharp on screens of double density, smaller where there are many. */
const SIZE = 360;
const SIZE_OF_MANY = 220;
const MANY = 60;
const QUERY_SIZE = 560;

/** What an object is shown with around it, as a share of its own sides. */
const AROUND = 0.25;

/** Writes the page and gives its absolute path; INVALID_ARGUMENT where the file cannot be written. */
export async function writeSheet(
  path: string,
  title: string,
  searches: readonly { readonly query: ShownQuery; readonly found: FoundSearch }[],
): Promise<string> {
  const shown: SheetSearch[] = [];
  for (const { query, found } of searches) shown.push(await sheetSearch(query, found));
  return writePage(path, renderSheet({ title, searches: shown }));
}

async function writePage(path: string, html: string): Promise<string> {
  const target = resolve(path);
  try {
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, html);
  } catch (error) {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `The page ${target} cannot be written: ${(error as NodeJS.ErrnoException).code}`,
      hint: "Give --html a file in a folder you may write to",
      cause: error,
    });
  }
  return target;
}

/** A row to show as a picture. */
export interface ShownPicture {
  readonly id: string;
  readonly filepath: string;
  readonly labels: readonly string[];
  readonly box: SheetBox | null;
}

/** Writes groups of rows that belong together as a page, each as a search by its first row; see `writeSheet`. */
export async function writeGroups(
  path: string,
  title: string,
  how: string,
  groups: readonly {
    readonly kept: ShownPicture;
    readonly duplicates: readonly { readonly row: ShownPicture; readonly distance: number }[];
  }[],
): Promise<string> {
  const shown = await pMap(
    groups,
    async ({ kept, duplicates }): Promise<SheetSearch> => ({
      query: {
        kind: "kept",
        label: basename(kept.filepath),
        ...(await picture(kept.filepath, kept.box, QUERY_SIZE)),
      },
      results: await pMap(
        duplicates,
        async ({ row, distance }, i) => ({
          ...{ rank: i + 1, id: row.id, filepath: row.filepath, labels: row.labels, distance, score: null },
          ...(await picture(row.filepath, row.box, SIZE_OF_MANY)),
        }),
        { concurrency: 2 },
      ),
      facts: { id: kept.id, duplicates: String(duplicates.length), "told by": how },
    }),
    { concurrency: 2 },
  );
  return writePage(path, renderSheet({ title, searches: shown }));
}

async function sheetSearch(query: ShownQuery, { run, request, hits }: FoundSearch): Promise<SheetSearch> {
  const { method, metric, model } = run.config;
  const size = hits.length > MANY ? SIZE_OF_MANY : SIZE;
  const { kind, label } = query;
  return {
    query: {
      kind,
      label,
      ...(query.filepath === undefined ? {} : await picture(query.filepath, query.box, QUERY_SIZE)),
    },
    results: await pMap(hits, (hit) => sheetResult(hit, size), { concurrency: 4 }),
    facts: {
      index: run.key,
      backend: method,
      metric,
      ...(model === null ? {} : { model }),
      k: String(request.k),
      ...(request.reverse ? { order: "least similar first" } : {}),
      ...(request.maxDistance === undefined ? {} : { "distance up to": String(request.maxDistance) }),
    },
  };
}

async function sheetResult(hit: FoundHit, size: number) {
  const { rank, id, filepath, labels, score, distance } = hit;
  return { rank, id, filepath, labels, score, distance, ...(await picture(filepath, hit.box, size)) };
}

/** A small copy; of an object with a little of what is around it, and where it is in there. */
async function picture(
  filepath: string,
  box: SheetBox | null | undefined,
  size: number,
): Promise<{ thumbnail: SheetPicture | null; box: SheetBox | null }> {
  const around = box == null ? null : grown(box);
  try {
    const options = { size, quality: 78, ...(around === null ? {} : { box: around }) };
    const { dataUrl, width, height } = await thumbnail(filepath, options);
    return {
      thumbnail: { dataUrl, width, height },
      box: box == null || around === null ? null : within(box, around),
    };
  } catch {
    // A picture that is gone or broken still has its place in the results.
    return { thumbnail: null, box: null };
  }
}

function grown([left, top, width, height]: SheetBox): [number, number, number, number] {
  const x = Math.max(0, left - width * AROUND);
  const y = Math.max(0, top - height * AROUND);
  const right = Math.min(1, left + width * (1 + AROUND));
  const bottom = Math.min(1, top + height * (1 + AROUND));
  return [x, y, right - x, bottom - y];
}

function within([left, top, width, height]: SheetBox, [x, y, across, down]: SheetBox): SheetBox {
  return [(left - x) / across, (top - y) / down, width / across, height / down];
}
