/** Turns the options of `computeVisualization` into what is to be placed and how, checked before anything is computed. */

import type { SimilarityIndex } from "../../dataset/brain-port.ts";
import type { SampleCollection } from "../../dataset/sample-collection.ts";
import {
  type ComputeVisualizationOptions,
  type LayoutOptions,
  VISUALIZATION_METHODS,
  type VisualizationMethod,
} from "../../dataset/visualization-port.ts";
import { NearsightError } from "../../errors.ts";
import { newId } from "../../ids.ts";
import type { RunConfig } from "../../store/store-runs.ts";
import type { BuildPlan } from "../build/build.ts";
import { assertRows, givenVectors } from "../build/given-vectors.ts";
import type { BrainContext } from "../context.ts";
import { type OpenIndex, openKnown, runExists, runNotFound } from "../open-index.ts";
import { checkFields, describeModel, embeddingPlan, patchesFieldOf } from "../request.ts";

/** Where vectors, or finished points, come from. */
export type VisualizationPlan = BuildPlan | { readonly kind: "index"; readonly index: OpenIndex };

/** A checked request. */
export interface VisualizationRequest {
  readonly key: string;
  readonly method: VisualizationMethod;
  readonly numDims: number;
  readonly seed: number;
  readonly layout: LayoutOptions;
  readonly plan: VisualizationPlan;
  readonly patchesField: string | null;
  readonly roiField: string | null;
  readonly pointsField: string | null;
  readonly similarityIndex: string | null;
  readonly modelFacts: Pick<RunConfig, "model" | "modelFingerprint" | "modelArguments" | "supportsPrompts">;
  readonly options: ComputeVisualizationOptions;
}

/** The options each method has beside the common ones. */
const LAYOUT_OPTIONS: Readonly<Record<VisualizationMethod, readonly (keyof LayoutOptions)[]>> = {
  umap: ["numNeighbors", "minDist", "metric"],
  tsne: ["perplexity", "learningRate", "maxIters", "metric"],
  pca: [],
  manual: [],
};

const SMALLEST: Readonly<Record<Exclude<keyof LayoutOptions, "metric">, number>> = {
  numNeighbors: 2,
  minDist: 0,
  perplexity: 1,
  learningRate: 0,
  maxIters: 1,
};

/** Checks options and loads the model if one is needed. */
export async function checkVisualization(
  context: BrainContext,
  samples: SampleCollection,
  options: ComputeVisualizationOptions,
): Promise<VisualizationRequest> {
  const method = methodOf(context, options);
  const seed = wholeNumber("seed", options.seed ?? 51, 0);
  const layout = layoutOptions(method, { ...context.visualizationOptions(method), ...options });
  const key = options.brainKey ?? `visualization_${newId().slice(-6)}`;
  await assertKeyIsFree(context, samples, key);
  const index = await indexOf(context, samples, options.similarityIndex);
  const asked = index?.run.config.patchesField ?? options.patchesField;
  const patchesField = patchesFieldOf(samples, asked === undefined ? {} : { patchesField: asked });
  const roiField = options.roiField ?? null;
  await checkFields(samples, [patchesField, roiField]);
  const plan = await planOf(context, samples, options, index);
  if (plan.kind === "given") await assertRows(samples, plan.vectors, patchesField);
  const numDims = wholeNumber("numDims", options.numDims ?? defaultDims(method, plan), 1);
  const pointsField = options.pointsField ?? (options.createIndex ? key : null);
  if (pointsField !== null) await assertFieldFits(context, samples, pointsField, numDims);
  return {
    ...{ key, method, numDims, seed, layout, plan, patchesField, roiField, pointsField },
    similarityIndex: index?.run.key ?? null,
    modelFacts: await modelFactsOf(context, plan, options),
    options,
  };
}

function methodOf(context: BrainContext, options: ComputeVisualizationOptions): VisualizationMethod {
  const { points, method } = options;
  const asked = method ?? (points === undefined ? context.defaultVisualizationMethod : "manual");
  const found = VISUALIZATION_METHODS.find((known) => known === asked);
  if (found === undefined) {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected a method of ${VISUALIZATION_METHODS.join(", ")} but found '${asked}'`,
      hint: 'Use method: "umap"',
    });
  }
  if ((found === "manual") === (points !== undefined)) return found;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message:
      points === undefined
        ? "Expected points for method 'manual' but found none"
        : `Expected method 'manual' for given points but found '${found}'`,
    hint:
      points === undefined
        ? "Give points, one for each row of the view"
        : "Leave method out, or give embeddings",
  });
}

function layoutOptions(method: VisualizationMethod, given: Readonly<Record<string, unknown>>): LayoutOptions {
  const taken = LAYOUT_OPTIONS[method];
  for (const name of Object.values(LAYOUT_OPTIONS).flat()) {
    if (given[name] === undefined || taken.includes(name)) continue;
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Method '${method}' has no option '${name}'`,
      hint: taken.length === 0 ? "Leave it out" : `Options of ${method}: ${taken.join(", ")}`,
      details: { option: name },
    });
  }
  const known = taken.filter((name) => given[name] !== undefined);
  return Object.fromEntries(known.map((name) => [name, checkedOption(name, given[name])]));
}

function checkedOption(name: keyof LayoutOptions, value: unknown): unknown {
  if (name === "metric") {
    if (value === "euclidean" || value === "cosine") return value;
    throw new NearsightError({
      code: "METRIC_NOT_SUPPORTED",
      message: `Expected metric 'euclidean' or 'cosine' for a visualization but found '${String(value)}'`,
      hint: "Leave metric out",
    });
  }
  const least = SMALLEST[name];
  if (name === "numNeighbors" || name === "maxIters") return wholeNumber(name, value, least);
  const tooSmall = name === "learningRate" ? Number(value) <= least : Number(value) < least;
  if (typeof value === "number" && Number.isFinite(value) && !tooSmall) return value;
  const bound = name === "learningRate" ? `above ${least}` : `of at least ${least}`;
  throw invalidNumber(name, `a number ${bound}`, value);
}

function wholeNumber(name: string, value: unknown, least: number): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= least) return value;
  throw invalidNumber(name, `a whole number of at least ${least}`, value);
}

function invalidNumber(name: string, expected: string, found: unknown): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected ${expected} for ${name} but found ${String(found)}`,
    hint: `Correct ${name}, or leave it out`,
    details: { option: name },
  });
}

/** RUN_EXISTS, unless what is there is a visualization whose process was killed while it was written. */
async function assertKeyIsFree(context: BrainContext, samples: SampleCollection, key: string): Promise<void> {
  const { runs } = context.store;
  const run = await runs.get(samples.dataset.id, key);
  if (run === null) return;
  if (run.type === "visualization" && run.state === "planned") {
    await runs.delete(run.id);
    return;
  }
  throw runExists(samples.dataset.name, run);
}

async function indexOf(
  context: BrainContext,
  samples: SampleCollection,
  reference: string | SimilarityIndex | undefined,
): Promise<OpenIndex | null> {
  if (reference === undefined) return null;
  const key = typeof reference === "string" ? reference : reference.key;
  const runs = await context.store.runs.list(samples.dataset.id);
  const indexes = runs.filter((run) => run.type === "similarity");
  const run = indexes.find((one) => one.key === key);
  if (run !== undefined) return openKnown(context, run);
  throw runNotFound(
    key,
    indexes.map((one) => one.key),
  );
}

async function planOf(
  context: BrainContext,
  samples: SampleCollection,
  options: ComputeVisualizationOptions,
  index: OpenIndex | null,
): Promise<VisualizationPlan> {
  const { points, embeddings, model } = options;
  const sources = { points, embeddings, similarityIndex: options.similarityIndex };
  const named = Object.entries(sources).filter(([, value]) => value !== undefined);
  const doubled =
    named.length > 1 || (named.length > 0 && named[0]?.[0] !== "embeddings" && model !== undefined);
  if (doubled) {
    const names = [...named.map(([name]) => name), ...(model === undefined ? [] : ["model"])];
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: `Expected vectors from one place but found ${names.join(" and ")}`,
      hint: "Give one of points, embeddings, similarityIndex and model",
    });
  }
  if (index !== null) return { kind: "index", index };
  if (points !== undefined) return { kind: "given", vectors: givenVectors(points) };
  const { modelKwargs } = options;
  const plan = await embeddingPlan(context, samples, {
    ...(embeddings === undefined ? {} : { embeddings }),
    ...(model === undefined ? {} : { model }),
    ...(modelKwargs === undefined ? {} : { modelKwargs }),
  });
  return plan as BuildPlan;
}

function defaultDims(method: VisualizationMethod, plan: VisualizationPlan): number {
  return method === "manual" && plan.kind === "given" ? plan.vectors.dimension : 2;
}

async function assertFieldFits(
  context: BrainContext,
  samples: SampleCollection,
  field: string,
  numDims: number,
): Promise<void> {
  const found = await context.store.vectors.dimension(samples.dataset.id, field);
  if (found === null || found === numDims) return;
  throw new NearsightError({
    code: "DIMENSION_MISMATCH",
    message: `Expected ${numDims} numbers for points in field '${field}' but its vectors have ${found}`,
    hint: "Name another pointsField",
    details: { field, expected: numDims, found },
  });
}

async function modelFactsOf(
  context: BrainContext,
  plan: VisualizationPlan,
  options: ComputeVisualizationOptions,
): Promise<VisualizationRequest["modelFacts"]> {
  if (plan.kind === "index") {
    const { model, modelFingerprint, modelArguments } = plan.index.run.config;
    return { model, modelFingerprint, modelArguments, supportsPrompts: false };
  }
  const { model, modelKwargs } = options;
  const facts = await describeModel(context, plan, {
    ...(model === undefined ? {} : { model }),
    ...(modelKwargs === undefined ? {} : { modelKwargs }),
  });
  return { ...facts, supportsPrompts: false };
}
