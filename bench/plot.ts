/** Draws the kept results of `bench/search.ts` and `bench/neighbors.ts` as bars, one SVG each, in docs/images. */

import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CACHE } from "./support/data.ts";
import { median, OURS, type Report } from "./support/report.ts";

const IMAGES = resolve(import.meta.dirname, "../docs/images");
const [WIDTH, LABELS, ROOM, BAR, GAP] = [760, 210, 130, 16, 18];
const TOP = 58;

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function milliseconds(ms: number): string {
  return ms < 1000 ? `${Number(ms.toPrecision(3))} ms` : `${Number((ms / 1000).toPrecision(3))} s`;
}

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
<style>text{fill:#222}.case{font-weight:600}.who{text-anchor:end}.title{font-size:15px;font-weight:600}.under{fill:#666}.ours{fill:#0b7285}.peer{fill:#adb5bd}</style>
<rect width="${WIDTH}" height="${y}" fill="#fff"/>
<text x="16" y="24" class="title">${escaped(title)}, median time (shorter is better)</text>
<text x="16" y="42" class="under">${escaped(under)}</text>
${parts.join("\n")}
</svg>
`;
}

for (const file of await readdir(CACHE)) {
  const name = /^((?:search|neighbors)-.*)\.json$/.exec(file)?.[1];
  if (name === undefined) continue;
  const report = JSON.parse(await readFile(join(CACHE, file), "utf8")) as Report;
  const path = join(IMAGES, `bench-${name}.svg`);
  await writeFile(path, drawn(report));
  console.log(`Drew ${path}`);
}
