/** `nearsight sync`: makes a data set and its indexes match a bucket or a folder. */

import type { Command } from "commander";
import type { SyncReport } from "../../core/index.ts";
import { positiveInteger } from "../arguments.ts";
import { EXIT } from "../errors.ts";
import { printIoFailures } from "../failures.ts";
import { type Output, paint, plural } from "../output.ts";
import { createProgress } from "../progress.ts";
import { type Session, withSession } from "../session.ts";

interface SyncCommandOptions {
  readonly dataset: string;
  readonly allowEmpty?: boolean;
  readonly workers?: number;
}

export function addSyncCommand(program: Command): void {
  program
    .command("sync")
    .description("make a data set and its indexes match a bucket or a folder")
    .argument("<address>", "such as s3://bucket/folder, or a folder")
    .requiredOption("--dataset <name>", "data set to follow it; made if there is none")
    .option("--allow-empty", "delete all samples from there if nothing is found")
    .option("--workers <number>", "pictures looked at at the same time; default: 4", positiveInteger)
    .addHelpText(
      "after",
      "\nNew pictures become samples and are embedded for every index, changed ones are embedded again, samples whose picture is gone are deleted.\nBuckets are reached with AWS's variables, such as AWS_REGION and AWS_ENDPOINT_URL_S3; see `nearsight config`.",
    )
    .action((address: string, options: SyncCommandOptions, command: Command) =>
      withSession(command, (session) => sync(session, address, options), { stoppable: true }),
    );
}

async function sync(
  { ns, output, signal }: Session,
  address: string,
  { dataset: name, allowEmpty = false, workers }: SyncCommandOptions,
): Promise<void> {
  const isKnown = await ns.datasetExists(name);
  const dataset = isKnown ? await ns.loadDataset(name) : await ns.createDataset(name);
  const progress = await createProgress({ label: "syncing", unit: "pictures", quiet: output.json });
  let report: SyncReport;
  try {
    const pace = workers === undefined ? {} : { numWorkers: workers };
    report = await dataset.sync(address, { allowEmpty, ...pace, signal, progress: progress.update });
  } catch (error) {
    // A data set that came to nothing is no use to anybody.
    if (!isKnown && (await dataset.count()) === 0) await dataset.delete();
    throw error;
  } finally {
    progress.stop();
  }
  printSync(output, name, report);
  output.result({ dataset: name, ...report });
  if (report.failed.length > 0) process.exitCode = EXIT.partial;
}

function printSync(output: Output, name: string, report: SyncReport): void {
  const { added, updated, deleted, unchanged, failed } = report;
  const changes = [`${added} added`, `${updated} updated`, `${deleted} deleted`, `${unchanged} unchanged`];
  output.line(`Data set ${paint("bold", name)}: ${changes.join(", ")}`);
  printIoFailures(output, failed, "indexed");
  if (added + updated + deleted + failed.length === 0) output.line(`${plural(unchanged, "picture")} match`);
}
