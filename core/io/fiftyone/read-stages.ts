/** Turns the stages of FiftyOne's saved views into stages of ours. */

import type { Filter } from "../../filter.ts";
import type { SimilarityQuery, Stage } from "../../stages.ts";
import { inflateArray, toFloat32 } from "./arrays.ts";
import { type Document, isDocument, isObjectId } from "./extended-json.ts";
import { readExpression } from "./read-expressions.ts";

/** A stage of FiftyOne: the name of its class and its arguments. */
interface ForeignStage {
  readonly name: string;
  readonly options: Document;
}

/** The stages as ours, or the name of the first that ours has no equivalent of. */
export function readStages(serialized: readonly unknown[]): { stages: Stage[] } | { unknown: string } {
  const stages: Stage[] = [];
  for (const text of serialized) {
    const foreign = parseStage(text);
    if (foreign === null) return { unknown: "a stage that is no JSON" };
    const found = readStage(foreign);
    if (found === null) return { unknown: describe(foreign) };
    stages.push(...found);
  }
  return { stages };
}

function parseStage(text: unknown): ForeignStage | null {
  let stage: unknown = text;
  if (typeof text === "string") {
    try {
      stage = JSON.parse(text);
    } catch {
      return null;
    }
  }
  if (!isDocument(stage) || typeof stage._cls !== "string" || !Array.isArray(stage.kwargs)) return null;
  const pairs = stage.kwargs.filter((pair) => Array.isArray(pair) && typeof pair[0] === "string");
  return { name: stage._cls.split(".").at(-1) ?? "", options: Object.fromEntries(pairs) };
}

function readStage({ name, options }: ForeignStage): Stage[] | null {
  switch (name) {
    case "Match":
      return one(filterOf(isDocument(options.filter) ? options.filter.$expr : null, "$"), (filter) => ({
        stage: "match",
        filter,
      }));
    case "MatchTags":
      return one(texts(options.tags), (tags) => ({
        stage: "matchTags",
        tags,
        ...(options.all === true ? { all: true } : {}),
        ...(options.bool === false ? { not: true } : {}),
      }));
    case "MatchLabels":
      return matchLabels(options);
    case "FilterLabels":
      if (options.trajectories === true || typeof options.field !== "string") return null;
      return one(filterOf(options.filter, "$$this."), (filter) => ({
        stage: "filterLabels",
        field: String(options.field),
        filter,
        ...(options.only_matches === false ? { onlyMatches: false } : {}),
      }));
    case "SelectLabels":
      return selectLabels(options);
    case "Select":
      return one(texts(options.sample_ids), (ids) => ({
        stage: "select",
        ids,
        ...(options.ordered === true ? { ordered: true } : {}),
      }));
    case "Exclude":
      return one(texts(options.sample_ids), (ids) => ({ stage: "exclude", ids }));
    case "Exists":
      return one(text(options.field), (field) => ({
        stage: "exists",
        field,
        ...(options.bool === false ? { not: true } : {}),
      }));
    case "SortBy":
      return sortBy(options);
    case "Limit":
      return one(count(options.limit), (limit) => ({ stage: "limit", count: limit }));
    case "Skip":
      return one(count(options.skip), (skip) => ({ stage: "skip", count: skip }));
    case "ToPatches":
      if (isDocument(options.config) && Object.keys(options.config).length > 0) return null;
      return one(text(options.field), (field) => ({ stage: "toPatches", field }));
    case "SortBySimilarity":
      return sortBySimilarity(options);
    default:
      // Take and Shuffle choose by random numbers of FiftyOne's own: ours would choose others.
      return null;
  }
}

function one<Value>(value: Value | null, make: (value: Value) => Stage): Stage[] | null {
  return value === null ? null : [make(value)];
}

function filterOf(expression: unknown, prefix: "$" | "$$this." | "$$FIELD."): Filter | null {
  return readExpression(expression, prefix);
}

function matchLabels(options: Document): Stage[] | null {
  const fields = texts(options.fields);
  const [field] = fields ?? [];
  if (field === undefined || fields?.length !== 1) return null;
  if (isGiven(options.labels) || isGiven(options.instance_ids) || isGiven(options.tags)) return null;
  const ids = isGiven(options.ids) ? texts(options.ids) : null;
  const where: Filter | null = isGiven(options.filter)
    ? filterOf(options.filter, "$$FIELD.")
    : ids && { op: "in", field: "id", values: ids };
  if (where === null || (isGiven(options.filter) && isGiven(options.ids))) return null;
  const filter: Filter = { op: "labels", field, where };
  return [{ stage: "match", filter: options.bool === false ? { op: "not", filter } : filter }];
}

function selectLabels(options: Document): Stage[] | null {
  const fields = texts(options.fields);
  const ids = texts(options.ids);
  const [field] = fields ?? [];
  const isOther = isGiven(options.labels) || isGiven(options.instance_ids) || isGiven(options.tags);
  if (field === undefined || fields?.length !== 1 || ids === null || isOther) return null;
  return options.omit_empty === false ? null : [{ stage: "selectLabels", field, ids }];
}

/** Several keys are several stages, the last one first: ties keep their order. */
function sortBy({ field_or_expr: key, reverse }: Document): Stage[] | null {
  const keys = typeof key === "string" ? [[key, reverse === true ? -1 : 1]] : key;
  if (!Array.isArray(keys)) return null;
  const stages: Stage[] = [];
  for (const one of keys) {
    const [field, order] = Array.isArray(one) ? one : [];
    if (typeof field !== "string" || field.startsWith("$") || (order !== 1 && order !== -1)) return null;
    stages.unshift({ stage: "sortBy", field, ...(order === -1 ? { reverse: true } : {}) });
  }
  return stages;
}

function sortBySimilarity(options: Document): Stage[] | null {
  const query = similarityQuery(options.query);
  if (query === null) return null;
  const { k, dist_field: distField, brain_key: brainKey } = options;
  return [
    {
      stage: "sortBySimilarity",
      query,
      ...(typeof k === "number" ? { k } : {}),
      ...(options.reverse === true ? { reverse: true } : {}),
      ...(typeof distField === "string" ? { distField } : {}),
      ...(typeof brainKey === "string" ? { brainKey } : {}),
    },
  ];
}

/** Ids, prompts, or vectors as base64 text. */
function similarityQuery(query: unknown): SimilarityQuery | null {
  if (typeof query === "string") {
    if (isObjectId(query)) return { id: query };
    const array = inflateArray(query);
    if (array === null) return { prompt: query };
    const numbers = toFloat32(array)?.numbers;
    const dimension = array.shape.at(-1) ?? 0;
    if (numbers === undefined || dimension === 0 || array.shape.length > 2) return null;
    if (array.shape.length === 1) return { vector: [...numbers] };
    const rows = numbers.length / dimension;
    const row = (i: number) => [...numbers.subarray(i * dimension, (i + 1) * dimension)];
    return { vectors: Array.from({ length: rows }, (_, i) => row(i)) };
  }
  const list = texts(query);
  if (list === null || list.length === 0) return null;
  return list.every(isObjectId) ? { ids: list } : { prompts: list };
}

function describe({ name, options }: ForeignStage): string {
  const cut = JSON.stringify(options).slice(0, 120);
  return `stage ${name} ${cut}`;
}

function isGiven(value: unknown): boolean {
  return value !== null && value !== undefined;
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function texts(value: unknown): string[] | null {
  const list = typeof value === "string" ? [value] : value;
  return Array.isArray(list) && list.every((one) => typeof one === "string") ? list : null;
}

function count(value: unknown): number | null {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : null;
}
