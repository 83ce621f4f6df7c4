/** The contract's reference backend as a driver that can be chosen by name. */

import type { Backend, Capabilities, Collection } from "../../core/backends/backend.ts";
import type { BackendDriver } from "../../core/backends/registry.ts";
import { stream } from "../contract/context.ts";
import { type ReferenceServer, referenceBackend } from "../contract/reference-backend.ts";

export interface ReferenceDriverOptions {
  readonly server?: ReferenceServer;
  /** Differ from those of the reference: what it claims less of, the brain has to make up for. */
  readonly capabilities?: Partial<Capabilities>;
  /** Told to whoever wants an explanation. */
  readonly explains?: Readonly<Record<string, unknown>>;
  /** Told each write before it is done: its entries, and when they have to be visible. */
  readonly onWrite?: (entries: number, visible: "now" | "eventually") => void;
}

/** `token` is a secret of the connection, `shards` an option of the index. */
export function referenceDriver({
  server = new Map(),
  capabilities = {},
  explains = {},
  onWrite = () => undefined,
}: ReferenceDriverOptions = {}): BackendDriver {
  return {
    name: "reference",
    connectionOptions: ["token"],
    indexOptions: ["shards"],
    connect: async () => telling(referenceBackend(server), { capabilities, explains, onWrite }),
  };
}

function telling(
  backend: Backend<ReferenceServer>,
  { capabilities, explains, onWrite }: Required<Omit<ReferenceDriverOptions, "server">>,
): Backend<ReferenceServer> {
  const tellingCollection = (collection: Collection): Collection => ({
    ...collection,
    async search(queries, options) {
      options.onExplain?.(explains);
      return collection.search(queries, options);
    },
    async upsert(batches, options = {}) {
      const written = await Array.fromAsync(batches);
      onWrite(
        written.reduce((sum, { ids }) => sum + ids.length, 0),
        options.visible ?? "now",
      );
      return collection.upsert(stream(...written), options);
    },
  });
  return {
    ...backend,
    capabilities: { ...backend.capabilities, ...capabilities },
    create: async ({ params: _, ...spec }) => tellingCollection(await backend.create(spec)),
    open: async (name) => tellingCollection(await backend.open(name)),
  };
}
