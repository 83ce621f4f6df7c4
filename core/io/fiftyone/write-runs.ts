/** Writes brain runs so that FiftyOne loads them: its in-memory index with all vectors, or the name of a server's. */

import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { BrainRunInfo, SimilarityIndex } from "../../dataset/brain-port.ts";
import type { Dataset } from "../../dataset/dataset.ts";
import type { IoFailure } from "../../dataset/io-port.ts";
import { isNearsightError, NearsightError, throwIfAborted } from "../../errors.ts";
import type { Stage } from "../../stages.ts";
import type { Document } from "./extended-json.ts";
import { isKey } from "./read-runs.ts";
import { writeModels } from "./run-models.ts";
import { isServer, serverConfig, serverResults } from "./server-runs.ts";
import type { FieldTypes } from "./write-expressions.ts";
import { toObjectId } from "./write-sample.ts";
import { writeStages } from "./write-stages.ts";

const ROWS_PER_READ = 1_000;

const MODULE = "fiftyone.brain.internal.core.sklearn";

/** Metrics that FiftyOne's own index has, of ours. */
const METRICS = new Set(["cosine", "euclidean"]);

/** What was written of the runs: their documents by key. */
export interface WrittenRuns {
  readonly documents: Document;
  /** What FiftyOne has no place for beside the runs, for the data set's `info`. */
  readonly info: Document;
  readonly failed: readonly IoFailure[];
}

/** What is written beside the runs. */
export interface WrittenDataset {
  readonly folder: string;
  readonly datasetId: string;
  readonly types: FieldTypes;
  /** What got other ids: null for samples, and fields with labels. */
  readonly renamed: ReadonlySet<string | null>;
}

/** Writes the vectors of each run that is kept here below `folder` and returns the documents for `metadata.json`. */
export async function writeRuns(
  dataset: Dataset,
  { folder, datasetId, types, renamed }: WrittenDataset,
  signal: AbortSignal | undefined,
): Promise<WrittenRuns> {
  const documents: [string, Document][] = [];
  const written: BrainRunInfo[] = [];
  const failed: IoFailure[] = [];
  for (const key of await dataset.listBrainRuns()) {
    throwIfAborted(signal);
    const path = `brain run '${key}'`;
    try {
      const info = await dataset.getBrainInfo(key);
      if (!isKey(key)) throw notWritten("its key is no name of a file");
      assertWritable(info, renamed);
      const file = join(folder, "brain", `${key}.json`);
      await mkdir(join(folder, "brain"), { recursive: true });
      if (isServer(info.config.method))
        await writeFile(file, JSON.stringify(serverResults(info.config.method)));
      else await pipeline(resultText(await dataset.loadBrainResults(key), signal), createWriteStream(file));
      const { stages, note } = viewStages((await dataset.loadBrainView(key)).stages, types);
      if (note !== null) failed.push({ path, reason: note });
      documents.push([key, runDocument(info, datasetId, stages)]);
      written.push(info);
    } catch (error) {
      if (!isNearsightError(error) || error.code === "ABORTED") throw error;
      failed.push({ path, reason: error.message });
    }
  }
  return { documents: Object.fromEntries(documents), info: writeModels(written), failed };
}

function assertWritable({ config, entries }: BrainRunInfo, renamed: ReadonlySet<string | null>): void {
  const onServer = isServer(config.method);
  // What is kept here is written with the new ids; what is on a server stays as it is.
  const hasOtherIds = onServer && (renamed.has(null) || renamed.has(config.patchesField));
  const hasMetric = onServer ? serverConfig(config) !== null : METRICS.has(config.metric);
  const reason =
    config.type !== "similarity"
      ? `runs of type '${config.type}' are not written`
      : !hasMetric
        ? `FiftyOne's ${onServer ? config.method : "own"} index has no metric '${config.metric}'`
        : entries.indexed === 0 && !onServer
          ? "its index is empty"
          : hasOtherIds
            ? `its index on ${config.method} has ids that are not 24 hexadecimal characters, and FiftyOne fails at those`
            : null;
  if (reason !== null) throw notWritten(reason);
}

function notWritten(reason: string): NearsightError {
  return new NearsightError({ code: "INVALID_ARGUMENT", message: reason });
}

function runDocument(info: BrainRunInfo, datasetId: string, stages: readonly string[] | null): Document {
  const { config } = info;
  return {
    _dataset_id: { $oid: datasetId },
    key: info.key,
    version: info.version,
    timestamp: { $date: new Date(info.timestamp).toISOString() },
    config: {
      cls: `${MODULE}.SklearnSimilarityConfig`,
      type: "similarity",
      method: "sklearn",
      metric: config.metric,
      ...serverConfig(config),
      embeddings_field: null,
      model: null,
      model_kwargs: null,
      patches_field: config.patchesField,
      roi_field: config.roiField,
      supports_prompts: false,
    },
    ...(stages === null ? {} : { view_stages: stages }),
    results_meta: {},
  };
}

/** The view of the run; FiftyOne's index is right without it, as it names its samples. */
function viewStages(
  stages: readonly Stage[],
  types: FieldTypes,
): { stages: string[] | null; note: string | null } {
  if (stages.length === 0) return { stages: null, note: null };
  const found = writeStages(stages, types);
  if ("texts" in found) return { stages: found.texts, note: null };
  return { stages: null, note: `the view it was made on is not written: FiftyOne has no ${found.unknown}` };
}

/** The result file, piece by piece: numbers as the decimals that read back to the same float32. */
async function* resultText(
  index: SimilarityIndex,
  signal: AbortSignal | undefined,
): AsyncGenerator<string, void, undefined> {
  const sampleIds = await index.sampleIds();
  const labelIds = await index.labelIds();
  yield `{"cls": "${MODULE}.SklearnSimilarityIndex", "embeddings": [`;
  const ids = labelIds ?? sampleIds;
  for (let start = 0; start < ids.length; start += ROWS_PER_READ) {
    throwIfAborted(signal);
    const asked = ids.slice(start, start + ROWS_PER_READ);
    const { embeddings } = await index.getEmbeddings(
      labelIds === null ? { sampleIds: asked } : { labelIds: asked },
    );
    assertRows(embeddings.rows, asked.length);
    const rows = asked.map((_, i) => JSON.stringify([...embeddings.row(i)]));
    yield (start === 0 ? "" : ",") + rows.join(",");
  }
  yield `], "sample_ids": ${JSON.stringify(sampleIds.map(toObjectId))}`;
  yield `, "label_ids": ${labelIds === null ? "null" : JSON.stringify(labelIds.map(toObjectId))}}`;
}

function assertRows(found: number, expected: number): void {
  if (found === expected) return;
  throw new NearsightError({
    code: "INDEX_CORRUPT",
    message: `Expected ${expected} vectors but its index gave ${found}`,
    hint: "Load the run and call reload()",
  });
}
