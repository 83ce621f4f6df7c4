/** `nearsight duplicates`: groups of equal files, or of samples that are nearly the same. */

import { basename } from "node:path";
import { type Command, Option } from "commander";
import type { Dataset } from "../../core/index.ts";
import { finiteNumber, share } from "../arguments.ts";
import { loadCompared, rowsOf, type ShownRow } from "../comparing.ts";
import { EXIT } from "../errors.ts";
import { type Output, paint, plural, shortPath } from "../output.ts";
import { createProgress } from "../progress.ts";
import { type Session, withSession } from "../session.ts";
import { writeGroups } from "../write-sheet.ts";

interface DuplicatesOptions {
  readonly exact?: boolean;
  readonly threshold?: number;
  readonly fraction?: number;
  readonly brainKey?: string;
  readonly tag?: string;
  readonly html?: string;
}

/** A kept sample or object with the others like it. */
interface Group {
  readonly kept: ShownRow;
  readonly duplicates: readonly { readonly row: ShownRow; readonly distance: number }[];
}

interface Found {
  /** How the groups were told, for the title. */
  readonly how: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly groups: readonly Group[];
  readonly failed: number;
}

/** Closer than what the shipped model gives to different drawings of one thing. */
const DEFAULT_THRESHOLD = 0.05;
const SHOWN_GROUPS = 20;

export function addDuplicatesCommand(program: Command): void {
  program
    .command("duplicates")
    .description("find equal files, or samples that are nearly the same")
    .argument("<dataset>")
    .addOption(
      new Option("--exact", "files with the same bytes; needs no index").conflicts(["threshold", "fraction"]),
    )
    .addOption(
      new Option(
        "--threshold <distance>",
        `samples no farther apart than this; default: ${DEFAULT_THRESHOLD}`,
      )
        .argParser(finiteNumber)
        .conflicts("fraction"),
    )
    .option("--fraction <share>", "call this share of the samples duplicates, such as 0.1", share)
    .option("--brain-key <key>", "index to compare by; default: the only one that fits")
    .option("--tag <tag>", "tag the duplicates, not the samples that are kept")
    .option("--html <file>", "write the groups as a page, pictures included")
    .addHelpText("after", "\nOf each group the first sample is kept; nothing is deleted.")
    .action((dataset: string, options: DuplicatesOptions, command: Command) =>
      withSession(command, (session) => duplicates(session, dataset, options), { stoppable: true }),
    );
}

async function duplicates(session: Session, name: string, options: DuplicatesOptions): Promise<void> {
  const { ns, output } = session;
  const dataset = await ns.loadDataset(name);
  const found =
    options.exact === true
      ? await equalFiles(session, dataset)
      : await nearDuplicates(session, dataset, options);
  const ids = found.groups.flatMap((group) => group.duplicates.map(({ row }) => row.sampleId));
  if (options.tag !== undefined && ids.length > 0) await dataset.select(ids).tagSamples(options.tag);
  printGroups(output, found, options.tag);
  if (options.html !== undefined) {
    output.note(`Page: ${await writeGroups(options.html, `Duplicates in ${name}`, found.how, found.groups)}`);
  }
  output.result({
    dataset: name,
    ...found.facts,
    groups: found.groups.map(groupJson),
    tag: options.tag ?? null,
  });
  if (found.failed > 0) process.exitCode = EXIT.partial;
}

async function equalFiles({ output, signal }: Session, dataset: Dataset): Promise<Found> {
  const progress = await createProgress({ label: "reading", unit: "files", quiet: output.json });
  const found = await dataset
    .computeExactDuplicates({ signal, progress: progress.update })
    .finally(() => progress.stop());
  const rows = await rowsOf(dataset.select([...found.duplicates].flat(2)));
  const groups = [...found.duplicates].flatMap(([kept, others]) =>
    groupOf(
      rows,
      kept,
      others.map((id) => [id, 0] as const),
    ),
  );
  return {
    how: "equal files",
    facts: { exact: true, failed: found.failed },
    groups,
    failed: found.failed.length,
  };
}

async function nearDuplicates(
  { output, signal }: Session,
  dataset: Dataset,
  { threshold, fraction, brainKey }: DuplicatesOptions,
): Promise<Found> {
  const index = await loadCompared(dataset, brainKey);
  const progress = await createProgress({ label: "comparing", unit: "entries", quiet: output.json });
  const how = fraction === undefined ? { thresh: threshold ?? DEFAULT_THRESHOLD } : { fraction };
  await index.findDuplicates({ ...how, signal, progress: progress.update }).finally(() => progress.stop());
  const neighbors = index.neighborsMap ?? new Map<string, readonly (readonly [string, number])[]>();
  const rows = await rowsOf(await index.duplicatesView());
  const groups = [...neighbors]
    .flatMap(([kept, others]) => groupOf(rows, kept, others))
    .sort((a, b) => nearest(a) - nearest(b));
  const { metric } = index.config;
  return {
    how: `${metric} distance up to ${index.thresh?.toFixed(4) ?? "–"}`,
    facts: { exact: false, brainKey: index.key, metric, threshold: index.thresh },
    groups,
    failed: 0,
  };
}

function nearest({ duplicates }: Group): number {
  return duplicates[0]?.distance ?? Number.POSITIVE_INFINITY;
}

function groupOf(
  rows: ReadonlyMap<string, ShownRow>,
  keptId: string,
  others: readonly (readonly [id: string, distance: number])[],
): Group[] {
  const kept = rows.get(keptId);
  const duplicates = others.flatMap(([id, distance]) => {
    const row = rows.get(id);
    return row === undefined ? [] : [{ row, distance }];
  });
  return kept === undefined || duplicates.length === 0 ? [] : [{ kept, duplicates }];
}

function groupJson({ kept, duplicates }: Group) {
  return {
    ...shownJson(kept),
    duplicates: duplicates.map(({ row, distance }) => ({ ...shownJson(row), distance })),
  };
}

function shownJson({ id, sampleId, filepath }: ShownRow) {
  return { id, sampleId, filepath };
}

function printGroups(output: Output, { how, groups }: Found, tag: string | undefined): void {
  const count = groups.reduce((sum, group) => sum + group.duplicates.length, 0);
  output.line(`${plural(count, "duplicate")} of ${plural(groups.length, "sample")}  ${paint("dim", how)}`);
  for (const { kept, duplicates } of groups.slice(0, SHOWN_GROUPS)) {
    output.line(`\n  ${paint("bold", nameOf(kept))}  ${paint("dim", kept.id)}`);
    output.table(
      [{ name: "", align: "right" }, { name: "" }, { name: "", flexible: true }],
      duplicates.map(({ row, distance }) => [distance.toFixed(4), row.id, shortPath(row.filepath)]),
    );
  }
  const more = groups.length - SHOWN_GROUPS;
  if (more > 0) output.line(`\n  and ${plural(more, "more group")}; --json lists all`);
  if (tag !== undefined && count > 0)
    output.line(`\nTagged ${tag}: see them with --where 'tags contains "${tag}"'`);
}

function nameOf({ box, labels, filepath }: ShownRow): string {
  const name = basename(filepath);
  return box === null ? name : `${labels.join(", ")} in ${name}`;
}
