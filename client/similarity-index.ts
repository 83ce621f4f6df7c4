/** The similarity index of a run over the API. */

import type {
  BrainRunInfo,
  EmbeddingOptions,
  Embeddings,
  IdSelection,
  SimilarityIndex,
} from "../core/dataset/brain-port.ts";
import type { EvaluateOptions, IndexEvaluation } from "../core/dataset/evaluation-port.ts";
import type { SampleCollection } from "../core/dataset/sample-collection.ts";
import { NearsightError } from "../core/errors.ts";
import { toVectors, type VectorData } from "../core/matrix.ts";
import type { EmbeddingModel } from "../core/models/model.ts";
import type { RemoteContext } from "./context.ts";
import { remoteDuplicates } from "./duplicates.ts";
import { type EmbeddingsJson, embedRows, joined } from "./embeddings.ts";
import { modelName, remoteModel } from "./models.ts";
import { parts, vectorParts } from "./parts.ts";
import { build, type RunJson, removeRun, runInfo } from "./runs.ts";
import { wireView } from "./stages.ts";
import { unsupported } from "./unsupported.ts";

/** Ids of one answer. */
const IDS_PER_REQUEST = 50_000;

interface SizeJson {
  readonly total: number;
  readonly indexed: number;
  readonly missing: number;
}

interface IdsJson {
  readonly sampleIds: readonly string[];
  readonly labelIds: readonly string[] | null;
}

/** Wraps a run; `samples` is the data set or view it is used on. */
export function remoteIndex(
  context: RemoteContext,
  samples: SampleCollection,
  loaded: RunJson,
): SimilarityIndex {
  const { http } = context;
  const { dataset } = samples;
  let info: BrainRunInfo = runInfo(loaded);
  let view: SampleCollection = samples.stages.length > 0 ? samples : dataset;
  const { key } = info;
  const path = (...more: string[]) => context.pathOf(dataset.id, "runs", key, ...more);

  const refresh = async () => {
    info = runInfo(await http<RunJson>("get", path()));
  };

  const size = async (of: SampleCollection): Promise<SizeJson> => {
    const body = { view: wireView(await of.resolvedStages()) };
    return http("post", path("size"), { body, repeatable: true });
  };

  /** Ids of all entries. */
  const ids = async (): Promise<IdsJson> => {
    const found = { sampleIds: [] as string[], labelIds: [] as string[] };
    for (;;) {
      const query = { offset: found.sampleIds.length, limit: IDS_PER_REQUEST };
      const page = await http<IdsJson>("get", path("entries"), { query });
      for (const id of page.sampleIds) found.sampleIds.push(id);
      for (const id of page.labelIds ?? []) found.labelIds.push(id);
      if (page.sampleIds.length < IDS_PER_REQUEST) {
        return { sampleIds: found.sampleIds, labelIds: page.labelIds === null ? null : found.labelIds };
      }
    }
  };

  const self: SimilarityIndex = {
    key,
    get config() {
      return info.config;
    },
    get supportsPrompts() {
      return info.config.supportsPrompts;
    },
    get isExternal() {
      return info.config.method !== "local";
    },
    get hasView() {
      return view.stages.length > 0;
    },
    get view() {
      return view;
    },

    async addToIndex(embeddings, sampleIds, labelIds, options = {}) {
      const [samplesOf, labelsOf] = [listOf(sampleIds), labelIds == null ? null : listOf(labelIds)];
      const { overwrite, allowExisting } = options;
      const known = { overwrite, allowExisting };
      for (const { start, end, vectors } of vectorParts(toVectors(embeddings), samplesOf.length)) {
        const body = {
          ...{ vectors, sampleIds: samplesOf.slice(start, end), ...known },
          ...(labelsOf === null ? {} : { labelIds: labelsOf.slice(start, end) }),
        };
        await http("put", path("embeddings"), { body, repeatable: allowExisting !== false });
      }
      await refresh();
    },

    async addMissing(options = {}) {
      const { progress, signal, batchSize, numWorkers, skipFailures } = options;
      await refresh();
      const before = info.entries.indexed;
      const stages = wireView(await view.resolvedStages());
      const body = { view: stages, batchSize, numWorkers, skipFailures };
      const start = { path: path("resume"), body };
      info = runInfo(await build(http, path(), start, { phase: "embedding", progress, signal }));
      return { added: info.entries.indexed - before, failed: info.failed };
    },

    async updateFilterFields({ signal } = {}) {
      return (await http<{ updated: number }>("post", path("filter-fields"), { signal })).updated;
    },

    async removeFromIndex(selection) {
      for (const body of selections(selection)) {
        await http("post", path("embeddings", "delete"), {
          body,
          repeatable: selection.allowMissing !== false,
        });
      }
    },

    async getEmbeddings<Data extends VectorData>(selection: IdSelection = {}) {
      const answers: EmbeddingsJson[] = [];
      for (const body of selections(await named(selection, ids))) {
        answers.push(await http<EmbeddingsJson>("post", path("embeddings"), { body, repeatable: true }));
      }
      const { failed: _, ...found } = joined(answers, info.config.patchesField !== null);
      return found as Embeddings as unknown as Embeddings<Data>;
    },

    async computeEmbeddings(
      from: SampleCollection,
      options: EmbeddingOptions & { model?: string | EmbeddingModel; skipExisting?: boolean } = {},
    ) {
      const { model, skipExisting = false, progress, signal, ...how } = options;
      const known = skipExisting ? await ids() : null;
      const scope = {
        patchesField: info.config.patchesField,
        skip: known === null ? undefined : new Set(known.labelIds ?? known.sampleIds),
      };
      const body = { ...how, ...(model === undefined ? {} : { model: modelName(model) }) };
      return embedRows(http, path("embeddings", "compute"), from, scope, body, { progress, signal });
    },

    useView(next) {
      view = next;
      return self;
    },
    clearView() {
      view = dataset;
    },

    totalIndexSize: async () => (await size(dataset)).total,
    indexSize: async () => (await size(view)).indexed,
    missingSize: async () => (await size(view)).missing,
    sampleIds: async () => [...(await ids()).sampleIds],
    async labelIds() {
      const { labelIds } = await ids();
      return labelIds === null ? null : [...labelIds];
    },

    sortBySimilarity(query, options = {}) {
      return view.sortBySimilarity(query, { ...options, brainKey: key });
    },

    ...remoteDuplicates(),

    async evaluate({ progress: _, signal, ...body }: EvaluateOptions = {}) {
      return http<IndexEvaluation>("post", path("evaluate"), { body, repeatable: true, signal });
    },
    // biome-ignore lint/correctness/useYield: it only says that it cannot.
    async *watch() {
      unsupported("watch()", "an answer would have to stay open", "Search again after a build");
    },

    async getModel() {
      const { model } = info.config;
      if (model === null) throw noModel(key);
      return remoteModel(http, model);
    },
    async client() {
      return unsupported("client()", "the connection to the backend is the server's");
    },
    async collection() {
      return unsupported("collection()", "the connection to the backend is the server's");
    },
    async save() {},
    async reload() {
      info = runInfo(await http<RunJson>("post", path("reload")));
    },

    async cleanup({ force = false } = {}) {
      info = runInfo(await http<RunJson>("post", path("cleanup"), { body: { force } }));
    },
    async delete({ force = false } = {}) {
      await removeRun(http, path(), { cleanup: true, force });
    },
  };
  return self;
}

function listOf(ids: string | readonly string[]): readonly string[] {
  return typeof ids === "string" ? [ids] : ids;
}

/** A selection in parts of a request each. */
function selections({ sampleIds, labelIds, ...options }: IdSelection): object[] {
  const known = { allowMissing: options.allowMissing };
  if (labelIds !== undefined) return parts(listOf(labelIds)).map((some) => ({ labelIds: some, ...known }));
  if (sampleIds === undefined) return [known];
  return parts(listOf(sampleIds)).map((some) => ({ sampleIds: some, ...known }));
}

/** The selection with ids: those of all entries where it names none. */
async function named(selection: IdSelection, all: () => Promise<IdsJson>): Promise<IdSelection> {
  const { sampleIds, labelIds } = selection;
  if (sampleIds !== undefined || labelIds !== undefined) return selection;
  const found = await all();
  return {
    ...selection,
    ...(found.labelIds === null ? { sampleIds: found.sampleIds } : { labelIds: found.labelIds }),
  };
}

function noModel(key: string): NearsightError {
  return new NearsightError({
    code: "PROMPTS_UNSUPPORTED",
    message: `Index '${key}' was made from vectors without a model`,
    hint: "Search by id or vector, or name the model in computeSimilarity({ model })",
    details: { brainKey: key },
  });
}
