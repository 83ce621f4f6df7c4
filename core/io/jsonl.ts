/** JSON Lines: one sample a line, with tags, fields, labels and vectors. */

import type { ImportOptions } from "../dataset/io-port.ts";
import type { SampleInput } from "../dataset/sample-input.ts";
import type { Format } from "./format.ts";
import { type FullSample, fullSamples, sampleFailure, vectorFieldsOf } from "./sample-rows.ts";
import {
  asVector,
  DEFAULT_EMBEDDINGS_FIELD,
  define,
  looksLikeTable,
  tableSource,
  tableTarget,
  toSampleInput,
} from "./table.ts";
import { openTextWriter, readLines } from "./text-file.ts";

const FILE_NAME = "samples.jsonl";

export const jsonl: Format = {
  name: "jsonl",
  aliases: ["JSONLines", "ndjson"],
  endings: [".jsonl", ".ndjson"],
  detect: (path) => looksLikeTable(path, jsonl, FILE_NAME),
  async *read(path, options) {
    const { file, bases } = await tableSource(path, FILE_NAME, options);
    for await (const line of readLines(file)) {
      const place = `${file}: line ${line.number}`;
      if ("failed" in line) yield { failed: { path: place, reason: line.failed } };
      else if (line.text.trim() !== "") {
        try {
          yield { sample: parseLine(line.text, bases, options), place };
        } catch (error) {
          yield { failed: { path: place, reason: (error as Error).message } };
        }
      }
    }
  },
  async *write(samples, path, options) {
    const vectorFields = vectorFieldsOf(await samples.dataset.fields(), options);
    const target = await tableTarget(path, jsonl, FILE_NAME, options);
    const writer = await openTextWriter(target.file);
    try {
      for await (const row of fullSamples(samples, vectorFields)) {
        const { id, filepath } = row.sample;
        try {
          await writer.write(`${toLine(row, await target.place(filepath))}\n`);
          yield { written: id };
        } catch (error) {
          yield { failed: sampleFailure(error, filepath) };
        }
      }
    } finally {
      await writer.close();
    }
  },
};

/** A sample from a line of ours, or of others: members that are none of ours are fields. */
function parseLine(text: string, bases: readonly string[], options: ImportOptions): SampleInput {
  const parsed: unknown = JSON.parse(text);
  if (!isObject(parsed)) throw new Error("The line is no JSON object");
  const { fields, vectors, ...others } = parsed;
  const record: Record<string, unknown> = { ...others };
  for (const [name, value] of Object.entries(isObject(fields) ? fields : {})) define(record, name, value);
  for (const [name, value] of Object.entries(isObject(vectors) ? vectors : {})) {
    const vector = asVector(value);
    if (vector === null) throw new Error(`The vector '${name}' is no list of numbers`);
    define(record, name, vector);
  }
  const { embeddingsField = DEFAULT_EMBEDDINGS_FIELD } = options;
  const vector = asVector(record[embeddingsField]);
  if (vector !== null) define(record, embeddingsField, vector);
  return toSampleInput(record, bases);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function toLine({ sample, vectors }: FullSample, filepath: string): string {
  const { id, mediaType, tags, fields } = sample;
  const record = JSON.stringify({ id, filepath, mediaType, tags, fields });
  const parts = Object.entries(vectors).map(([name, vector]) => `${JSON.stringify(name)}:${numbers(vector)}`);
  return parts.length === 0 ? record : `${record.slice(0, -1)},"vectors":{${parts.join(",")}}}`;
}

/** A JSON list of numbers; JSON.stringify writes -0 as 0. */
export function numbers(vector: Float32Array): string {
  return `[${Array.from(vector, (value) => (Object.is(value, -0) ? "-0" : String(value))).join(",")}]`;
}
