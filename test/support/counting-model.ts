/** A real small model that counts the pictures it embeds. */

import type { EmbeddingModel } from "../../core/models/model.ts";
import { colourModel } from "./colour-model.ts";

export interface CountingModel extends EmbeddingModel {
  /** Pictures embedded so far. */
  embedded(): number;
}

/** The colour model, with its options. */
export function countingModel(options: Parameters<typeof colourModel>[0] = {}): CountingModel {
  const inner = colourModel(options);
  let items = 0;
  return {
    ...inner,
    embedded: () => items,
    async embed(batch, embedOptions) {
      items += batch.shape[0] ?? 0;
      return inner.embed(batch, embedOptions);
    },
  };
}
