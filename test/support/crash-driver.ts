/** The local backend, with something else happening just before or just after a step of it. */

import type { Collection } from "../../core/backends/backend.ts";
import { type BackendDriver, local } from "../../core/backends/registry.ts";

/** A moment of a write, such as `before upsert`. */
export type Moment = `${"before" | "after"} ${"create" | "upsert" | "delete"}`;

/** A driver to give to `open({ backends })`. What `meanwhile` is set to runs once, when its moment comes first. */
export function steppedDriver(): BackendDriver & {
  meanwhile(moment: Moment, run: () => Promise<unknown>): void;
} {
  const waiting = new Map<Moment, () => Promise<unknown>>();

  async function at(moment: Moment): Promise<void> {
    const run = waiting.get(moment);
    waiting.delete(moment);
    await run?.();
  }

  async function around<Result>(step: "create" | "upsert" | "delete", work: () => Promise<Result>) {
    await at(`before ${step}`);
    const result = await work();
    await at(`after ${step}`);
    return result;
  }

  const stepped = (collection: Collection): Collection => ({
    ...collection,
    upsert: (batches, options) => around("upsert", () => collection.upsert(batches, options)),
    delete: (ids, options) => around("delete", () => collection.delete(ids, options)),
  });

  return {
    ...local,
    meanwhile: (moment, run) => void waiting.set(moment, run),
    async connect(place, options) {
      const backend = await local.connect(place, options);
      return {
        ...backend,
        create: async (spec) => stepped(await around("create", () => backend.create(spec))),
        open: async (name) => stepped(await backend.open(name)),
      };
    },
  };
}
