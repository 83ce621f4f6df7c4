/** The embedded backend with a gate in front of and behind each write of vectors, where a test holds a worker up. */

import type { Backend, Collection } from "../../core/backends/backend.ts";
import { local } from "../../core/backends/local/driver.ts";
import type { BackendDriver } from "../../core/backends/registry.ts";

/** Where a write can be held up. */
export type GatePlace = "before the write" | "after the write";

/** Holds the next write up at one place. */
export interface Gate {
  /** Resolves when a write has come to the place; what was held up at another one goes on. */
  close(place: GatePlace): Promise<void>;
  /** Lets it go on. */
  open(): void;
}

export function gatedBackend(): { driver: BackendDriver; gate: Gate } {
  let closed: { place: GatePlace; reached: () => void; opened: Promise<void>; open: () => void } | undefined;

  async function pass(place: GatePlace): Promise<void> {
    if (closed?.place !== place) return;
    closed.reached();
    await closed.opened;
  }

  function gated(collection: Collection): Collection {
    return {
      ...collection,
      async upsert(...values) {
        await pass("before the write");
        const report = await collection.upsert(...values);
        await pass("after the write");
        return report;
      },
    };
  }

  const driver: BackendDriver = {
    ...local,
    async connect(...values) {
      const backend: Backend = await local.connect(...values);
      return {
        ...backend,
        create: async (spec) => gated(await backend.create(spec)),
        open: async (name) => gated(await backend.open(name)),
      };
    },
  };
  const gate: Gate = {
    close(place) {
      const before = closed;
      const arrival = Promise.withResolvers<void>();
      const { promise: opened, resolve: open } = Promise.withResolvers<void>();
      closed = { place, reached: arrival.resolve, opened, open };
      before?.open();
      return arrival.promise;
    },
    open() {
      const held = closed;
      closed = undefined;
      held?.open();
    },
  };
  return { driver, gate };
}
