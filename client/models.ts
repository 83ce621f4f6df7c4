/** Models of the server: known by name, and used where the media are. */

import { NearsightError } from "../core/errors.ts";
import type { Matrix } from "../core/matrix.ts";
import type { EmbeddingModel } from "../core/models/model.ts";
import { type PackedVectors, unpackVectors } from "../core/packed-vectors.ts";
import type { Http } from "./http.ts";
import { unsupported } from "./unsupported.ts";

interface ModelJson
  extends Pick<EmbeddingModel, "name" | "dimension" | "fingerprint" | "input" | "maxBatch"> {
  readonly prompts: boolean;
}

/** The names that models of the server were asked for by. */
const names = new WeakMap<EmbeddingModel, string>();

export async function remoteModel(http: Http, name: string): Promise<EmbeddingModel> {
  const { prompts, ...facts } = await http<ModelJson>("post", "/models/load", {
    body: { model: name },
    repeatable: true,
  });
  const model: EmbeddingModel = {
    ...facts,
    async embed() {
      return unsupported(
        `embed() of the model '${name}'`,
        "it embeds media where the data set is",
        "Call computeEmbeddings() of a data set or view",
      );
    },
    ...(prompts ? { embedPrompts: (texts: readonly string[]) => embedPrompts(http, name, texts) } : {}),
  };
  names.set(model, name);
  return model;
}

async function embedPrompts(http: Http, model: string, prompts: readonly string[]): Promise<Matrix> {
  const body = { model, prompts };
  const { embeddings } = await http<{ embeddings: PackedVectors }>("post", "/models/prompts", {
    body,
    repeatable: true,
  });
  return unpackVectors(embeddings) as Matrix;
}

/** The name that the server knows a model by; INVALID_ARGUMENT for a model of this process. */
export function modelName(model: string | EmbeddingModel): string {
  const name = typeof model === "string" ? model : names.get(model);
  if (name !== undefined) return name;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected the name of a model, or one of loadZooModel() of this connection, but found the loaded model '${String((model as { name?: unknown } | null)?.name)}'`,
    hint: "Give its name, or compute the embeddings here and give those",
  });
}
