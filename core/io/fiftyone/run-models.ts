/** Models of brain runs: FiftyOne names its own, and `info` of the data set has what else ours need. */

import type { BrainRunConfig } from "../../dataset/brain-port.ts";
import { type Document, isDocument } from "./extended-json.ts";

/** The member of `info` that is ours; FiftyOne keeps it as it is. */
const OURS = "nearsight";

/** The model that a run's vectors were made with, as `computeSimilarity` takes it with `embeddings: false`. */
export interface RunModel {
  readonly model: string;
  readonly modelKwargs: Readonly<Record<string, unknown>>;
  readonly modelFingerprint: string | null;
  readonly supportsPrompts: boolean;
}

/** `info` for the data set's document: the models of these runs, by key. */
export function writeModels(
  runs: readonly { readonly key: string; readonly config: BrainRunConfig }[],
): Document {
  const models = runs.flatMap(({ key, config }): [string, Document][] => {
    const { model, modelFingerprint, modelKwargs, supportsPrompts } = config;
    if (model === null) return [];
    const facts = { model, model_fingerprint: modelFingerprint, model_kwargs: { ...modelKwargs } };
    return [[key, { ...facts, supports_prompts: supportsPrompts }]];
  });
  return models.length === 0 ? {} : { [OURS]: { brain_runs: Object.fromEntries(models) } };
}

/** The model of a run, by our own facts where there are any, else by FiftyOne's name for it. */
export function readModel(metadata: Document, key: string, config: Document): RunModel | null {
  const facts = modelFacts(metadata, key) ?? config;
  const { model, model_fingerprint: fingerprint, model_kwargs: given } = facts;
  if (typeof model !== "string" || model === "") return null;
  return {
    model,
    modelKwargs: isDocument(given) ? given : {},
    modelFingerprint: typeof fingerprint === "string" ? fingerprint : null,
    supportsPrompts: facts.supports_prompts === true,
  };
}

/** `info` without what is ours. */
export function foreignInfo(info: unknown): unknown {
  if (!isDocument(info)) return info;
  const { [OURS]: _, ...others } = info;
  return others;
}

function modelFacts(metadata: Document, key: string): Document | null {
  const ours = isDocument(metadata.info) ? metadata.info[OURS] : null;
  const runs = isDocument(ours) ? ours.brain_runs : null;
  if (!isDocument(runs) || !Object.hasOwn(runs, key)) return null;
  const facts = runs[key];
  return isDocument(facts) ? facts : null;
}
