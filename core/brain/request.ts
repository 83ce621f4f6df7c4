/** Turns the options of `computeSimilarity` into what is to be built, checked before anything is written. */

import { createHash } from "node:crypto";
import type { Backend } from "../backends/backend.ts";
import { METRICS, type Metric } from "../backends/metric.ts";
import type { ComputeSimilarityOptions, EmbeddingOptions } from "../dataset/brain-port.ts";
import type { SampleCollection } from "../dataset/sample-collection.ts";
import { NearsightError } from "../errors.ts";
import { newId } from "../ids.ts";
import { type EmbeddingModel, supportsPrompts } from "../models/model.ts";
import type { RunConfig } from "../store/store-runs.ts";
import { checkEmbeddingOptions } from "./build/check-embedding.ts";
import { assertRows, type GivenVectors, givenVectors } from "./build/given-vectors.ts";
import type { BrainContext } from "./context.ts";
import { checkFilterFields } from "./fields/filter-fields.ts";
import { assertMetricOf } from "./vector-kind.ts";

/** Where the vectors of a run come from. */
export type EmbeddingPlan =
  /** Vectors of `field`, where one is named, come before the model. */
  | { readonly kind: "model"; readonly model: EmbeddingModel; readonly field: string | null }
  | { readonly kind: "given"; readonly vectors: GivenVectors }
  | { readonly kind: "field"; readonly field: string }
  | { readonly kind: "none" };

/** A checked request. */
export interface BuildRequest {
  readonly key: string;
  readonly backend: Backend;
  readonly connection: Readonly<Record<string, unknown>>;
  /** Null: a new name is made. */
  readonly collectionName: string | null;
  readonly config: Omit<RunConfig, "collectionName" | "ownsCollection">;
  readonly specHash: string;
  readonly plan: EmbeddingPlan;
  readonly embedding: EmbeddingOptions;
}

/** Options of `computeSimilarity` that are not the backend's. */
const OWN_OPTIONS = new Set([
  ...[
    "brainKey",
    "backend",
    "model",
    "modelKwargs",
    "modelFingerprint",
    "supportsPrompts",
    "embeddings",
    "embeddingsField",
    "patchesField",
  ],
  ...["roiField", "metric", "normalize", "collectionName", "batchSize", "numWorkers", "skipFailures"],
  ...["forceSquare", "alpha", "progress", "signal", "lazy", "filterFields"],
]);

/** Checks options, loads the model if one is needed and connects to the backend. */
export async function checkRequest(
  context: BrainContext,
  samples: SampleCollection,
  options: ComputeSimilarityOptions,
): Promise<BuildRequest> {
  checkEmbeddingOptions(options);
  const name = options.backend ?? context.defaultBackend;
  const own = { of: "computeSimilarity", names: OWN_OPTIONS };
  const { backend, backendName, connection, collectionName, params, ...chosen } = await chooseBackend(
    context,
    name,
    options,
    own,
  );
  const metric = checkedMetric(backend, chosen.metric);
  const lazy = options.lazy === true;
  const opens = options.embeddings === false && options.filterFields === undefined;
  if (lazy && (!opens || collectionName === null)) throw notLazy();
  const patchesField = patchesFieldOf(samples, options);
  await checkFields(samples, [patchesField, options.roiField ?? null]);
  const filterFields = await checkFilterFields(backend, samples, options.filterFields);
  const plan = await embeddingPlan(context, samples, options);
  assertMetricFits(metric, plan);
  if (plan.kind === "given") await assertRows(samples, plan.vectors, patchesField);
  const modelFacts = await describeModel(context, plan, options);
  const config = {
    backend: backendName,
    metric,
    dimension: dimensionOf(plan),
    patchesField,
    roiField: options.roiField ?? null,
    embeddingsField: options.embeddingsField ?? ("field" in plan ? plan.field : null),
    ...modelFacts,
    forceSquare: options.forceSquare ?? false,
    alpha: options.alpha ?? null,
    normalized: options.normalize ?? false,
    params,
    stages: samples.stages,
    ...(filterFields === undefined ? {} : { filterFields }),
    ...(lazy ? { isUnread: true } : {}),
  };
  return {
    key: options.brainKey ?? `similarity_${newId().slice(-6)}`,
    backend,
    connection,
    collectionName,
    config,
    specHash: hashOf({ ...config, named: collectionName, source: plan.kind }),
    plan,
    embedding: options,
  };
}

function notLazy(): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: "Expected embeddings: false, a collectionName and no filterFields with lazy: true",
    hint: "Leave lazy out, or name the collection that the server has already",
  });
}

/** A connected backend, and the options that concern it. */
interface ChosenBackend extends Pick<BuildRequest, "backend" | "connection" | "collectionName"> {
  readonly backendName: string;
  /** As asked for, unchecked. */
  readonly metric: unknown;
  readonly params: Readonly<Record<string, unknown>>;
}

/** The call that options were given to, and those that are its own: the others are the backend's. */
interface OwnOptions {
  readonly of: string;
  readonly names: ReadonlySet<string>;
}

/** Connects to a backend with the options meant for it, settings included; INVALID_ARGUMENT for unknown ones. */
export async function chooseBackend(
  context: BrainContext,
  name: string,
  options: Readonly<Record<string, unknown>>,
  own: OwnOptions,
): Promise<ChosenBackend> {
  const backendName = context.backendName(name);
  const given = backendOptions(context, backendName, options, own);
  const defaults = context.backendDefaults(backendName);
  const connection = pick(given, (option) => context.isConnectionOption(backendName, option));
  const all = pick({ ...defaults, ...given }, (option) => !context.isConnectionOption(backendName, option));
  const { metric, collectionName, indexName, ...params } = all;
  const named = options["collectionName"] ?? collectionName ?? indexName;
  return {
    backend: await context.backend(backendName, connection),
    backendName,
    connection,
    collectionName: named === undefined ? null : String(named),
    metric: options["metric"] ?? metric,
    params,
  };
}

function backendOptions(
  context: BrainContext,
  backendName: string,
  options: Readonly<Record<string, unknown>>,
  own: OwnOptions,
): Record<string, unknown> {
  const known = context.knownOptions(backendName);
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (own.names.has(name) || value === undefined) continue;
    if (!known.includes(name)) throw unknownOption(name, backendName, known, own);
    given[name] = value;
  }
  return given;
}

function unknownOption(
  name: string,
  backendName: string,
  known: readonly string[],
  own: OwnOptions,
): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `${own.of} has no option '${name}', and neither has backend '${backendName}'`,
    hint: `Options of ${own.of}: ${[...own.names].join(", ")}; of ${backendName}: ${known.join(", ")}`,
    details: { option: name },
  });
}

export function checkedMetric(backend: Backend, asked: unknown): Metric {
  const { metrics, defaultMetric } = backend.capabilities;
  const metric = asked === "innerproduct" ? "dotproduct" : (asked ?? defaultMetric);
  const found = METRICS.find((known) => known === metric && metrics.includes(known));
  if (found !== undefined) return found;
  throw new NearsightError({
    code: "METRIC_NOT_SUPPORTED",
    message: `Expected a metric of backend '${backend.name}' (${metrics.join(", ")}) but found '${String(asked)}'`,
    hint: `Use metric: "${defaultMetric}"`,
  });
}

/** The rows of a patches view are patches, whether that is said again or not. */
export function patchesFieldOf(
  samples: SampleCollection,
  { patchesField }: ComputeSimilarityOptions,
): string | null {
  const ofView = samples.patchesField;
  if (ofView === null || patchesField === undefined || patchesField === ofView)
    return ofView ?? patchesField ?? null;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected patchesField '${ofView}', which the view's patches come from, but found '${patchesField}'`,
    hint: "Leave patchesField out, or give a view of samples",
  });
}

export async function checkFields(
  samples: SampleCollection,
  names: readonly (string | null)[],
): Promise<void> {
  const fields = await samples.dataset.fields();
  for (const name of names) {
    if (name === null) continue;
    const type = fields.find((field) => field.name === name)?.type;
    if (type === "detections") continue;
    const usable = fields.filter((field) => field.type === "detections").map((field) => field.name);
    throw new NearsightError({
      code: type === undefined ? "FIELD_NOT_FOUND" : "FIELD_TYPE_MISMATCH",
      message: `Expected a Detections field but ${type === undefined ? "there is no field" : `found a ${type} field`} '${name}'`,
      hint: usable.length === 0 ? "Add samples with detections first" : `Use one of: ${usable.join(", ")}`,
    });
  }
}

export async function embeddingPlan(
  context: BrainContext,
  samples: SampleCollection,
  options: ComputeSimilarityOptions,
): Promise<EmbeddingPlan> {
  const { embeddings } = options;
  if (embeddings === false) return { kind: "none" };
  if (typeof embeddings === "string") {
    if (options.model === undefined) {
      await assertVectorField(context, samples, embeddings);
      return { kind: "field", field: embeddings };
    }
  } else if (embeddings !== undefined) return { kind: "given", vectors: givenVectors(embeddings) };
  const model = await context.model(options.model ?? context.defaultModel, options.modelKwargs ?? {});
  return { kind: "model", model, field: embeddings ?? null };
}

/** What is opened, or waited for, tells its kind itself. */
function assertMetricFits(metric: Metric, plan: EmbeddingPlan): void {
  if (plan.kind === "none") return;
  const isBinary = plan.kind === "given" && plan.vectors.isBinary;
  assertMetricOf(metric, isBinary, isBinary ? "vectors of bits" : "vectors of float32 numbers");
}

async function assertVectorField(
  context: BrainContext,
  samples: SampleCollection,
  field: string,
): Promise<void> {
  if ((await context.store.vectors.dimension(samples.dataset.id, field)) !== null) return;
  throw new NearsightError({
    code: "FIELD_NOT_FOUND",
    message: `Expected a field with vectors but '${field}' holds none`,
    hint: `Fill it with computeEmbeddings(model, { embeddingsField: "${field}" }), or give a model as well`,
  });
}

/** A model named beside given vectors is recorded, so that prompts can be embedded with it. */
export async function describeModel(
  context: BrainContext,
  plan: EmbeddingPlan,
  options: ComputeSimilarityOptions,
): Promise<Pick<RunConfig, "model" | "modelFingerprint" | "modelArguments" | "supportsPrompts">> {
  const modelArguments = options.modelKwargs ?? {};
  if (plan.kind === "none" && typeof options.model === "string" && options.modelFingerprint !== undefined) {
    const { model, modelFingerprint, supportsPrompts = false } = options;
    return { model, modelFingerprint, modelArguments, supportsPrompts };
  }
  const model =
    plan.kind === "model"
      ? plan.model
      : options.model === undefined
        ? null
        : await context.model(options.model, modelArguments);
  if (model === null) return { model: null, modelFingerprint: null, modelArguments, supportsPrompts: false };
  return {
    model: typeof options.model === "string" ? options.model : model.name,
    modelFingerprint: model.fingerprint,
    modelArguments,
    supportsPrompts: supportsPrompts(model),
  };
}

function dimensionOf(plan: EmbeddingPlan): number | null {
  if (plan.kind === "model") return plan.model.dimension;
  return plan.kind === "given" && plan.vectors.dimension > 0 ? plan.vectors.dimension : null;
}

function pick(
  options: Readonly<Record<string, unknown>>,
  keep: (name: string) => boolean,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).filter(([name, value]) => value !== undefined && keep(name)),
  );
}

export function hashOf(value: unknown): string {
  const sorted = (_key: string, part: unknown) =>
    part !== null && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part;
  return createHash("sha256").update(JSON.stringify(value, sorted)).digest("hex");
}
