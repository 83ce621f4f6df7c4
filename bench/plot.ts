/**
 * Draws the kept results of `bench/search.ts`, `bench/neighbors.ts` and `bench/remote.ts` as bars, one SVG each, and
 * those of a server at several sizes as lines, in docs/images.
 */

import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CACHE } from "./support/data.ts";
import { escaped, milliseconds, STYLE } from "./support/drawing.ts";
import { drawnGrowth } from "./support/growth.ts";
import { median, OURS, type Report } from "./support/report.ts";

const IMAGES = resolve(import.meta.dirname, "../docs/images");
const [WIDTH, LABELS, ROOM, BAR, GAP] = [760, 210, 130, 16, 18];
const TOP = 58;

/** Bars of one report: each case on a scale of its own, because cases differ by orders of magnitude. */
function drawn({ title, facts, cases }: Report): string {
  const parts: string[] = [];
  let y = TOP;
  for (const { name, times } of cases) {
    const medians = Object.entries(times).map(([who, values]) => [who, median(values)] as const);
    const most = Math.max(...medians.map(([, ms]) => ms));
    parts.push(`<text x="16" y="${y + 12}" class="case">${escaped(name)}</text>`);
    for (const [who, ms] of medians) {
      const width = Math.max(1, ((WIDTH - LABELS - ROOM - 100) * ms) / most);
      const style = who === OURS ? "ours" : "peer";
      parts.push(
        `<text x="${LABELS + 92}" y="${y + 12}" class="who">${escaped(who)}</text>`,
        `<rect x="${LABELS + 100}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 3}" class="${style}"/>`,
        `<text x="${(LABELS + 106 + width).toFixed(1)}" y="${y + 12}">${milliseconds(ms)}</text>`,
      );
      y += BAR;
    }
    y += GAP;
  }
  const under = `${facts["machine"]}; load ${facts["load at the start"]} to ${facts["load at the end"]}; ${facts["commit"]}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" font-family="sans-serif" font-size="12">
<title>${escaped(title)}</title>
${STYLE}
<rect width="${WIDTH}" height="${y}" fill="#fff"/>
<text x="16" y="24" class="title">${escaped(title)}, median time (shorter is better)</text>
<text x="16" y="42" class="under">${escaped(under)}</text>
${parts.join("\n")}
</svg>
`;
}

/** Kept reports whose names begin so, by name; those of fewer rows first. */
async function keptReports(prefix: string): Promise<[string, Report][]> {
  const names = (await readdir(CACHE)).flatMap((file) => /^(.*)\.json$/.exec(file)?.[1] ?? []);
  const read = names
    .filter((name) => name.startsWith(prefix))
    .map(async (name): Promise<[string, Report]> => {
      return [name, JSON.parse(await readFile(join(CACHE, `${name}.json`), "utf8"))];
    });
  return (await Promise.all(read)).sort(([, a], [, b]) => Number(a.facts["rows"]) - Number(b.facts["rows"]));
}

async function draw(name: string, image: string): Promise<void> {
  const path = join(IMAGES, `bench-${name}.svg`);
  await writeFile(path, image);
  console.log(`Drew ${path}`);
}

for (const prefix of ["search-", "neighbors-", "milvus-", "elasticsearch-"]) {
  for (const [name, report] of await keptReports(prefix)) await draw(name, drawn(report));
}
for (const server of ["milvus", "elasticsearch"]) {
  const reports = (await keptReports(`${server}-`)).map(([, report]) => report);
  if (reports.length > 1) await draw(`${server}-growth`, drawnGrowth(server, reports));
}
