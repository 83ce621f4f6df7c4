/** `nearsight unique`: samples that are as far from each other as possible. */

import type { Command } from "commander";
import { positiveInteger } from "../arguments.ts";
import { loadCompared, printRows, rowsOf } from "../comparing.ts";
import { paint, plural } from "../output.ts";
import { type Session, withSession } from "../session.ts";

interface UniqueOptions {
  readonly count: number;
  readonly brainKey?: string;
  readonly tag?: string;
}

export function addUniqueCommand(program: Command): void {
  program
    .command("unique")
    .description("choose samples that are as different from each other as possible")
    .argument("<dataset>")
    .option("-c, --count <number>", "how many", positiveInteger, 10)
    .option("--brain-key <key>", "index to compare by; default: the only one that fits")
    .option("--tag <tag>", "tag them, such as to label these first")
    .action((dataset: string, options: UniqueOptions, command: Command) =>
      withSession(command, (session) => unique(session, dataset, options), { stoppable: true }),
    );
}

async function unique({ ns, output, signal }: Session, name: string, options: UniqueOptions): Promise<void> {
  const dataset = await ns.loadDataset(name);
  const index = await loadCompared(dataset, options.brainKey);
  await index.findUnique(options.count, { signal });
  const ids = index.uniqueIds ?? [];
  const view = index.uniqueView();
  if (options.tag !== undefined) await view.tagSamples(options.tag);
  const rows = await rowsOf(view);
  const reach =
    index.thresh === null ? "" : `; every other one is within ${index.thresh.toFixed(4)} of one of them`;
  output.line(`${plural(ids.length, "most different sample")} of ${paint("bold", name)}${reach}`);
  printRows(
    output,
    ids.map((id) => rows.get(id)),
    index.config.patchesField !== null,
  );
  if (options.tag !== undefined) output.line(`Tagged ${options.tag}`);
  output.result({
    ...{ dataset: name, brainKey: index.key, metric: index.config.metric, reach: index.thresh },
    unique: ids.map((id) => ({ id, filepath: rows.get(id)?.filepath ?? "" })),
    tag: options.tag ?? null,
  });
}
