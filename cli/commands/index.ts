/** `nearsight index`: makes a data set of a folder, indexes it or another data set, and later adds what is new. */

import { statSync } from "node:fs";
import { basename, resolve, sep } from "node:path";
import type { Command } from "commander";
import {
  type Dataset,
  findImages,
  IMAGE_ENDINGS,
  isNearsightError,
  NearsightError,
} from "../../core/index.ts";
import { ensureIndex, type IndexReport } from "../ensure-index.ts";
import { EXIT } from "../errors.ts";
import { printFailures } from "../failures.ts";
import { duration, type Output, paint, plural, shellWord, shortPath } from "../output.ts";
import { createProgress } from "../progress.ts";
import { type Session, withSession } from "../session.ts";

interface IndexOptions {
  readonly name?: string;
  readonly model?: string;
  readonly patches?: string;
  readonly backend?: string;
  readonly brainKey?: string;
  readonly metric?: string;
  readonly filterField?: string[];
}

export function addIndexCommand(program: Command): void {
  program
    .command("index")
    .description("index a folder of images or a data set; the same command again adds only what is new")
    .argument("<folder-or-dataset>", "folder to make a data set of, or the name of a data set")
    .option("--name <name>", "name of the data set; default: the folder's")
    .option("--model <name>", "zoo name, model directory or hub:owner/name; default: nearsight-tiny")
    .option("--patches <field>", "index the objects of this Detections field instead of whole images")
    .option("--backend <name>", "local, milvus or elasticsearch; default: as configured")
    .option("--brain-key <key>", "name of the index; default: images, or patches with --patches")
    .option("--metric <metric>", "cosine, dotproduct or euclidean; default: the backend's")
    .option(
      "--filter-field <field...>",
      "keep these fields beside the vectors: views on them are filtered there",
    )
    .addHelpText(
      "after",
      "\nMedia that cannot be read are listed, and the exit code is 4; the others are indexed.\nCtrl-C keeps what is done: the same command goes on.",
    )
    .action((target: string, options: IndexOptions, command: Command) =>
      withSession(command, (session) => index(session, target, options), { stoppable: true }),
    );
}

async function index(session: Session, target: string, options: IndexOptions): Promise<void> {
  const { output } = session;
  const { dataset, added, unreadable } = await openTarget(session, target, options.name);
  const { model, patches: patchesField, backend, metric, filterField: filterFields } = options;
  const brainKey = options.brainKey ?? defaultKey(patchesField);
  const spec = { brainKey, model, patchesField, backend, metric, filterFields };
  const report = await indexWithProgress(session, dataset, spec);
  for (const folder of unreadable) output.note(`not readable, left out: ${folder}`);
  printReport(output, report, patchesField === undefined ? "images" : "objects");
  printFailures(
    output,
    `${plural(report.failed.length, "medium", "media")} could not be indexed:`,
    "file",
    report.failed.map(({ filepath, reason }) => [shortPath(filepath), reason]),
  );
  output.line(
    `\n${paint("dim", "Search it:")} npx nearsight search ${shellWord(dataset.name)}${patchesField === undefined ? ' --prompt "…"' : ` --brain-key ${brainKey} --id ID`}`,
  );
  output.result(reportJson(dataset, report, added));
  if (report.failed.length > 0 || unreadable.length > 0) process.exitCode = EXIT.partial;
}

function defaultKey(patchesField: string | undefined): string {
  return patchesField === undefined ? "images" : "patches";
}

/** Runs `ensureIndex` with a bar; a stop says how much is kept. */
export async function indexWithProgress(
  { output, signal }: Session,
  dataset: Dataset,
  spec: Parameters<typeof ensureIndex>[1],
): Promise<IndexReport> {
  const unit = spec.patchesField === undefined ? "images" : "objects";
  const progress = await createProgress({ label: "indexing", unit, quiet: output.json });
  let done = 0;
  try {
    return await ensureIndex(dataset, spec, {
      signal,
      progress(event) {
        done = event.done;
        progress.update(event);
      },
    });
  } catch (error) {
    if (!isNearsightError(error, "ABORTED")) throw error;
    throw new NearsightError({
      code: "ABORTED",
      message: done === 0 ? "nothing was indexed yet" : `${done} ${unit} are indexed and kept`,
      hint: "Run the same command again to go on",
      cause: error,
    });
  } finally {
    progress.stop();
  }
}

interface Target {
  readonly dataset: Dataset;
  readonly added: number;
  readonly unreadable: readonly string[];
}

/** A folder that is there is meant as a folder; anything else is the name of a data set. */
async function openTarget(session: Session, target: string, name: string | undefined): Promise<Target> {
  const found = statSync(target, { throwIfNoEntry: false });
  if (found?.isDirectory()) return openFolder(session, resolve(target), name);
  if (found !== undefined || /[/\\]/.test(target)) {
    throw new NearsightError({
      code: found === undefined ? "MEDIA_NOT_FOUND" : "INVALID_ARGUMENT",
      message: `Expected a folder or the name of a data set but ${target} ${found === undefined ? "does not exist" : "is a file"}`,
      hint: "Give the folder the images are in",
    });
  }
  return { dataset: await session.ns.loadDataset(name ?? target), added: 0, unreadable: [] };
}

async function openFolder(
  { ns, output }: Session,
  folder: string,
  name: string | undefined,
): Promise<Target> {
  const { files, unreadable } = await findImages(folder);
  if (files.length === 0) throw noImages(folder);
  const datasetName = name ?? basename(folder);
  const isNew = !(await ns.datasetExists(datasetName));
  const dataset = isNew ? await ns.createDataset(datasetName) : await ns.loadDataset(datasetName);
  const known = new Set(await dataset.values<string>("filepath"));
  if (name === undefined) assertOwnFolder(datasetName, folder, known);
  const fresh = files.filter((file) => !known.has(file));
  if (fresh.length > 0) await dataset.addSamples(fresh.map((filepath) => ({ filepath })));
  const others = isNew ? "" : `, ${known.size.toLocaleString("en-US")} were there`;
  output.line(
    `Data set ${paint("bold", datasetName)}: ${plural(fresh.length, "new image")} from ${shortPath(folder)}${others}`,
  );
  return { dataset, added: fresh.length, unreadable };
}

/** Two folders of the same name would otherwise become one data set without anybody having said so. */
function assertOwnFolder(name: string, folder: string, known: ReadonlySet<string>): void {
  const isOurs = known.size === 0 || [...known].some((path) => path.startsWith(folder + sep));
  if (isOurs) return;
  throw new NearsightError({
    code: "DATASET_EXISTS",
    message: `There is a data set '${name}' already, and none of its images is in ${folder}`,
    hint: `Choose another name with --name, or add this folder to it with --name ${shellWord(name)}`,
    details: { name },
  });
}

/** One line about what was done, how fast, and with what. */
export function printReport(output: Output, report: IndexReport, unit: string): void {
  const { index, did, written, total, milliseconds } = report;
  const { method, metric, model } = index.config;
  const facts = paint("dim", [method, metric, ...(model === null ? [] : [model])].join(" · "));
  const name = `Index ${paint("bold", index.key)}`;
  const amount = `${total.toLocaleString("en-US")} ${unit}`;
  // With few, loading the model is most of the time: a rate would mislead.
  const rate = written < 50 ? "" : ` (${(written / (milliseconds / 1000)).toFixed(0)} ${unit}/s)`;
  const more = written === total ? "" : `, ${written.toLocaleString("en-US")} of them new`;
  const work = did === "nothing" ? ", nothing new" : `${more}, in ${duration(milliseconds)}${rate}`;
  output.line(`${name}: ${amount}${work}  ${facts}`);
}

/** What was done, as JSON. */
export function reportJson(dataset: Dataset, report: IndexReport, added: number) {
  const { index, did, written, total, failed, milliseconds } = report;
  const { method: backend, metric, model, patchesField, dimension } = index.config;
  return {
    dataset: dataset.name,
    brainKey: index.key,
    ...{ backend, metric, model, dimension, patchesField },
    did,
    added,
    indexed: written,
    total,
    failed,
    seconds: Math.round(milliseconds) / 1000,
  };
}

/** MEDIA_NOT_FOUND for a folder without pictures. */
function noImages(folder: string): NearsightError {
  return new NearsightError({
    code: "MEDIA_NOT_FOUND",
    message: `Expected pictures in ${folder} but found none`,
    hint: `Their names end in ${IMAGE_ENDINGS.map((ending) => ending.slice(1)).join(", ")}; hidden files and folders are left out`,
  });
}
