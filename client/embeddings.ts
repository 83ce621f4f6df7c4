/** Embeds the rows of a view over the API, some at a time. */

import type { Embeddings, ProgressOption } from "../core/dataset/brain-port.ts";
import type { SampleCollection } from "../core/dataset/sample-collection.ts";
import { concatRows, type Matrix } from "../core/matrix.ts";
import { type PackedVectors, unpackVectors } from "../core/packed-vectors.ts";
import type { Http } from "./http.ts";
import { stagesOfRows, wireView } from "./stages.ts";

/** Rows of one request: the server embeds them while the next answer is waited for. */
const ROWS_PER_REQUEST = 32;

/** Vectors as the API gives them. */
export interface EmbeddingsJson {
  readonly sampleIds: readonly string[];
  readonly labelIds: readonly string[] | null;
  readonly embeddings: PackedVectors;
  readonly failed?: readonly { readonly id: string; readonly reason: string }[];
}

/** What is embedded: the rows of `samples`, or the objects of the field, but for those that are skipped. */
export interface EmbedScope {
  readonly patchesField: string | null;
  readonly skip?: ReadonlySet<string> | undefined;
}

/** What the one who waits may want. */
export interface WaitOptions {
  readonly progress?: ProgressOption | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Sends the rows to `path` and puts the answers together; `body` says how they are embedded. */
export async function embedRows(
  http: Http,
  path: string,
  samples: SampleCollection,
  { patchesField, skip }: EmbedScope,
  body: object,
  { progress, signal }: WaitOptions,
): Promise<Embeddings> {
  const rows = rowsOf(samples, patchesField);
  const stages = await rows.resolvedStages();
  const ids = (await Array.fromAsync(rows.ids())).flat().flatMap(({ id }) => (skip?.has(id) ? [] : [id]));
  const answers: EmbeddingsJson[] = [];
  let failed = 0;
  for (let start = 0; start < ids.length; start += ROWS_PER_REQUEST) {
    const view = wireView(stagesOfRows(stages, ids.slice(start, start + ROWS_PER_REQUEST)));
    const answer = await http<EmbeddingsJson>("post", path, {
      body: { ...body, view },
      repeatable: true,
      signal,
    });
    answers.push(answer);
    failed += answer.failed?.length ?? 0;
    const done = Math.min(start + ROWS_PER_REQUEST, ids.length);
    progress?.({ phase: "embedding", done, total: ids.length, failed });
  }
  return joined(answers, rows.patchesField !== null);
}

/** The rows as an index knows them: samples, or the objects of its patches field. */
export function rowsOf(samples: SampleCollection, patchesField: string | null): SampleCollection {
  if (patchesField === null || samples.patchesField !== null) return samples;
  return samples.toPatches(patchesField) as unknown as SampleCollection;
}

/** Answers one after the other; without any, vectors of no dimension. */
export function joined(answers: readonly EmbeddingsJson[], ofPatches: boolean): Embeddings {
  const vectors = answers.map(({ embeddings }) => unpackVectors(embeddings) as Matrix);
  const some = vectors.filter(({ rows }) => rows > 0);
  const dimension = some[0]?.dimension ?? vectors[0]?.dimension ?? 0;
  return {
    embeddings: concatRows(some, dimension),
    sampleIds: answers.flatMap(({ sampleIds }) => sampleIds),
    labelIds: ofPatches ? answers.flatMap(({ labelIds }) => labelIds ?? []) : null,
    failed: answers.flatMap(({ failed = [] }) => failed),
  };
}
