/** Draws how upload, search and memory grow with the number of vectors: a panel each, a line for each contender. */

import { escaped, milliseconds, STYLE } from "./drawing.ts";
import { FIFTYONE, SDK } from "./remote/contenders.ts";
import { median, OURS, type Report } from "./report.ts";

/** One figure of a contender by number of rows. */
interface Line {
  readonly who: string;
  readonly points: readonly (readonly [rows: number, value: number])[];
}

interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly shown: (value: number) => string;
}

const [WIDTH, HEIGHT, PANEL, LEFT, TOP] = [1130, 280, 370, 16, 80];
const [PLOT_WIDTH, PLOT_HEIGHT, LABEL_STEP] = [210, 150, 13];
/** Of two kinds of the same contender one is enough here. */
const DRAWN: readonly string[] = [OURS, SDK, FIFTYONE];

/** Panels of the reports of one server, which differ in their numbers of rows. */
export function drawnGrowth(server: string, reports: readonly Report[]): string {
  const panels = [
    timePanel("upload", reports),
    timePanel("by vector, k 25", reports),
    {
      title: "most memory after the upload",
      shown: (mb: number) => `${Math.round(mb)} MB`,
      lines: linesOf(reports, ({ peakMb = {} }) => peakMb),
    },
  ];
  const title = `nearsight on ${server} as the collection grows`;
  const parts = panels.map((panel, i) => drawnPanel(panel, LEFT + i * PANEL));
  const facts: Report["facts"] = reports.at(-1)?.facts ?? {};
  const under = `${facts["machine"]}; load ${facts["load at the start"]} to ${facts["load at the end"]}; ${facts["commit"]}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11">
<title>${escaped(title)}</title>
${STYLE}
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="16" y="24" class="title">${escaped(title)}, medians (lower is better)</text>
<text x="16" y="42" class="under">${escaped(under)}</text>
${parts.join("\n")}
</svg>
`;
}

function timePanel(name: string, reports: readonly Report[]): Panel {
  const lines = linesOf(reports, ({ cases }) => {
    const times = cases.find((one) => one.name === name)?.times ?? {};
    return Object.fromEntries(Object.entries(times).map(([who, laps]) => [who, median(laps)]));
  });
  return { title: name, shown: milliseconds, lines };
}

function linesOf(
  reports: readonly Report[],
  figures: (report: Report) => Readonly<Record<string, number>>,
): Line[] {
  const points = reports.flatMap((report) =>
    Object.entries(figures(report)).map(([who, value]) => ({
      who,
      at: [Number(report.facts["rows"]), value] as const,
    })),
  );
  return DRAWN.map((who) => ({
    who,
    points: points.filter((point) => point.who === who).map(({ at }) => at),
  }));
}

/** Rows on a logarithmic scale, values on one from zero. */
function drawnPanel({ title, lines, shown }: Panel, left: number): string {
  const all = lines.flatMap(({ points }) => points);
  const [least, most] = [Math.min(...all.map(([rows]) => rows)), Math.max(...all.map(([rows]) => rows))];
  const highest = Math.max(...all.map(([, value]) => value));
  const x = (rows: number) =>
    left + 4 + (PLOT_WIDTH * Math.log(rows / least)) / Math.max(1e-9, Math.log(most / least));
  const y = (value: number) => TOP + PLOT_HEIGHT * (1 - value / highest);
  const ticks = [...new Set(all.map(([rows]) => rows))].map(
    (rows) =>
      `<text x="${x(rows).toFixed(1)}" y="${TOP + PLOT_HEIGHT + 16}" text-anchor="middle">${rows / 1000}k</text>`,
  );
  const drawn = lines.map(({ who, points }) => {
    const style = who === OURS ? "ours" : "peer";
    const places = points.map(([rows, value]) => [x(rows).toFixed(1), y(value).toFixed(1)] as const);
    const dots = places.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" class="${style}"/>`);
    return `<polyline points="${places.join(" ")}" fill="none" stroke-width="2" class="${style}-line"/>${dots.join("")}`;
  });
  const labels = spread(
    lines.flatMap(({ who, points }) => points.slice(-1).map(([, value]) => ({ who, value, at: y(value) }))),
  ).map(
    ({ who, value, at }) =>
      `<text x="${left + PLOT_WIDTH + 14}" y="${(at + 4).toFixed(1)}">${escaped(who)} ${shown(value)}</text>`,
  );
  const base = TOP + PLOT_HEIGHT;
  return `<text x="${left}" y="${TOP - 14}" class="case">${escaped(title)}</text>
<line x1="${left}" y1="${base}" x2="${left + PLOT_WIDTH + 8}" y2="${base}" stroke="#adb5bd"/>
${[...ticks, ...drawn, ...labels].join("\n")}`;
}

/** Moves labels down until each has a line of its own. */
function spread<Label extends { readonly at: number }>(labels: readonly Label[]): Label[] {
  let next = 0;
  return labels
    .toSorted((a, b) => a.at - b.at)
    .map((label) => {
      const at = Math.max(label.at, next);
      next = at + LABEL_STEP;
      return { ...label, at };
    });
}
