/** A model that embeds nothing before it is told to, so that a build is under way for as long as a test wants. */

import { colourModel } from "../support/colour-model.ts";

export function useModel() {
  const gate = Promise.withResolvers<void>();
  const model = colourModel();
  return {
    ...model,
    release: () => gate.resolve(),
    async embed(...values: Parameters<typeof model.embed>) {
      // As a model does whose signal fires: a build that is cancelled does not wait for it.
      await gate.promise;
      return model.embed(...values);
    },
  };
}
