/** `nearsight runs`: lists the brain runs of a data set, describes one, renames and deletes them. */

import type { Command } from "commander";
import type { BrainRunInfo, Metric } from "../../core/index.ts";
import { createProgress } from "../progress.ts";
import { type Session, withSession } from "../session.ts";

export function addRunsCommand(program: Command): void {
  const runs = program
    .command("runs")
    .description("list brain runs, or describe, rename, switch, copy, delete one");
  runs
    .command("list")
    .description("list the brain runs of a data set, or of all")
    .argument("[dataset]")
    .action((dataset: string | undefined, _, command: Command) =>
      withSession(command, (session) => list(session, dataset)),
    );
  runs
    .command("info")
    .description("what a brain run was made with and how far it is")
    .argument("<dataset>")
    .argument("<key>")
    .action((dataset: string, key: string, _, command: Command) =>
      withSession(command, (session) => info(session, dataset, key)),
    );
  runs
    .command("rename")
    .description("give a brain run another key")
    .argument("<dataset>")
    .argument("<key>")
    .argument("<new-key>")
    .action((dataset: string, key: string, newKey: string, _, command: Command) =>
      withSession(command, (session) => rename(session, dataset, key, newKey)),
    );
  runs
    .command("switch")
    .description("put one index in the place of another; the other one is then found under its key")
    .argument("<dataset>")
    .argument("<key>", "the key that searches and saved views use")
    .argument("<to-key>", "the index to use for it from now on")
    .action((dataset: string, key: string, toKey: string, _, command: Command) =>
      withSession(command, (session) => switchTo(session, dataset, key, toKey)),
    );
  runs
    .command("copy")
    .description("copy an index to another backend or collection; nothing is embedded again")
    .argument("<dataset>")
    .argument("<key>")
    .requiredOption("--to <backend>", "local, milvus or elasticsearch")
    .option("--brain-key <key>", "name of the copy; default: the key and the backend")
    .option("--metric <metric>", "default: the same")
    .action((dataset: string, key: string, options: CopyOptions, command: Command) =>
      withSession(command, (session) => copy(session, dataset, key, options), { stoppable: true }),
    );
  runs
    .command("delete")
    .description("delete a brain run; the index itself stays in its backend without --cleanup")
    .argument("<dataset>")
    .argument("<key>")
    .option("--cleanup", "delete the index from its backend too")
    .action((dataset: string, key: string, options: { cleanup?: boolean }, command: Command) =>
      withSession(command, (session) => remove(session, dataset, key, options.cleanup ?? false)),
    );
}

async function list({ ns, output }: Session, only: string | undefined): Promise<void> {
  const rows: (BrainRunInfo & { dataset: string })[] = [];
  for (const name of only === undefined ? await ns.listDatasets() : [only]) {
    const dataset = await ns.loadDataset(name);
    for (const key of await dataset.listBrainRuns())
      rows.push({ dataset: name, ...(await dataset.getBrainInfo(key)) });
  }
  if (rows.length === 0) output.line("There are no brain runs yet. Make one: npx nearsight index DATASET");
  else {
    output.table(
      [
        ...[{ name: "data set" }, { name: "key" }, { name: "state" }],
        { name: "entries", align: "right" as const },
        ...[{ name: "of" }, { name: "backend" }, { name: "metric" }, { name: "model" }, { name: "made" }],
      ],
      rows.map(({ dataset, key, state, entries, config, timestamp }) => [
        ...[dataset, key, state, String(entries.indexed), config.patchesField ?? "images"],
        ...[config.method, config.metric, config.model ?? "–", minute(timestamp)],
      ]),
    );
  }
  output.result({ runs: rows });
}

async function info({ ns, output }: Session, name: string, key: string): Promise<void> {
  const run = await (await ns.loadDataset(name)).getBrainInfo(key);
  const { config, entries } = run;
  const failed = entries.failed > 0 ? `, ${entries.failed} failed` : "";
  const waiting = entries.pending > 0 ? `, ${entries.pending} to do` : "";
  output.heading(`${name}/${key}`);
  output.table(
    [{ name: "" }, { name: "" }],
    [
      ["state", run.reason === null ? run.state : `${run.state}: ${run.reason}`],
      ["entries", `${entries.indexed} indexed${waiting}${failed}`],
      ["of", config.patchesField === null ? "whole images" : `objects in ${config.patchesField}`],
      ["backend", `${config.method}, collection ${config.collectionName}`],
      ["vectors", `${config.dimension ?? "?"} numbers, ${config.metric}`],
      ["model", config.model ?? "none: vectors were given"],
      ["prompts", config.supportsPrompts ? "yes" : "no"],
      ["made", `${minute(run.timestamp)} by nearsight ${run.version}`],
    ],
  );
  output.result({ dataset: name, ...run });
}

async function rename({ ns, output }: Session, name: string, key: string, newKey: string): Promise<void> {
  await (await ns.loadDataset(name)).renameBrainRun(key, newKey);
  output.line(`Brain run ${name}/${key} is now ${name}/${newKey}`);
  output.result({ dataset: name, key: newKey, oldKey: key });
}

async function switchTo({ ns, output }: Session, name: string, key: string, toKey: string): Promise<void> {
  const dataset = await ns.loadDataset(name);
  await dataset.switchBrainRun(key, toKey);
  const { config } = await dataset.getBrainInfo(key);
  output.line(
    `Brain run ${name}/${key} now uses ${collectionOf(config)}, and ${name}/${toKey} the former index`,
  );
  output.result({
    dataset: name,
    brainKey: key,
    formerKey: toKey,
    backend: config.method,
    model: config.model,
  });
}

interface CopyOptions {
  readonly to: string;
  readonly brainKey?: string;
  readonly metric?: string;
}

async function copy(
  { ns, output, signal }: Session,
  name: string,
  key: string,
  { brainKey, metric, to }: CopyOptions,
): Promise<void> {
  const dataset = await ns.loadDataset(name);
  const progress = await createProgress({ label: "copying", unit: "vectors", quiet: output.json });
  const index = await dataset
    .copyRun(key, {
      ...{ to, signal, progress: progress.update },
      ...(brainKey === undefined ? {} : { brainKey }),
      ...(metric === undefined ? {} : { metric: metric as Metric }),
    })
    .finally(() => progress.stop());
  const total = await index.totalIndexSize();
  output.line(
    `Brain run ${name}/${key} is copied to ${name}/${index.key}: ${total} vectors in ${index.config.method}`,
  );
  output.result({ dataset: name, brainKey: index.key, copiedFrom: key, total, backend: index.config.method });
}

async function remove({ ns, output }: Session, name: string, key: string, cleanup: boolean): Promise<void> {
  const dataset = await ns.loadDataset(name);
  const collection = collectionOf((await dataset.getBrainInfo(key)).config);
  const isCleaned = cleanup && collection !== null;
  if (isCleaned) await (await dataset.loadBrainResults(key)).delete();
  else await dataset.deleteBrainRun(key);
  const left = isCleaned || collection === null ? [] : [collection];
  output.line(`Deleted brain run ${name}/${key}${isCleaned ? ` with its index ${collection}` : ""}`);
  if (left.length > 0)
    output.note(`The index stays in its backend: ${collection}; --cleanup would have deleted it`);
  output.result({ dataset: name, deleted: key, collectionsLeft: left });
}

/** Where a run's index is; null for a visualization, which is kept in the store. */
export function collectionOf({ type, method, collectionName }: BrainRunInfo["config"]): string | null {
  return type === "similarity" ? `${method}:${collectionName}` : null;
}

function minute(timestamp: string): string {
  return timestamp.slice(0, 16).replace("T", " ");
}
