/** A model that embeds nothing before it is told to, so that a build is under way for as long as a test wants. */

import { throwIfAborted } from "../../core/errors.ts";
import { colourModel } from "../support/colour-model.ts";

export function useModel() {
  const gate = Promise.withResolvers<void>();
  const model = colourModel();
  return {
    ...model,
    release: () => gate.resolve(),
    async embed(...values: Parameters<typeof model.embed>) {
      const signal = values[1]?.signal;
      // As a model does whose signal fires: a build that is cancelled does not wait for it.
      await Promise.race([gate.promise, fired(signal)]);
      throwIfAborted(signal);
      return model.embed(...values);
    },
  };
}

/** When the signal fires; never where there is none. */
function fired(signal: AbortSignal | undefined): Promise<unknown> {
  return new Promise<unknown>((resolve) => {
    if (signal?.aborted) resolve(signal.reason);
    signal?.addEventListener("abort", resolve, { once: true });
  });
}
