/** The contract's reference backend as a driver that can be chosen by name. */

import type { Backend, Capabilities, SearchOptions } from "../../core/backends/backend.ts";
import type { BackendDriver } from "../../core/backends/registry.ts";
import { type ReferenceServer, referenceBackend } from "../contract/reference-backend.ts";

export interface ReferenceDriverOptions {
  readonly server?: ReferenceServer;
  /** Differ from those of the reference: what it claims less of, the brain has to make up for. */
  readonly capabilities?: Partial<Capabilities>;
  /** Told to whoever wants an explanation. */
  readonly explains?: Readonly<Record<string, unknown>>;
}

/** `token` is a secret of the connection, `shards` an option of the index. */
export function referenceDriver({
  server = new Map(),
  capabilities = {},
  explains = {},
}: ReferenceDriverOptions = {}): BackendDriver {
  return {
    name: "reference",
    connectionOptions: ["token"],
    indexOptions: ["shards"],
    connect: async () => explaining(referenceBackend(server), capabilities, explains),
  };
}

function explaining(
  backend: Backend<ReferenceServer>,
  capabilities: Partial<Capabilities>,
  explains: Readonly<Record<string, unknown>>,
): Backend<ReferenceServer> {
  return {
    ...backend,
    capabilities: { ...backend.capabilities, ...capabilities },
    create: ({ params: _, ...spec }) => backend.create(spec),
    async open(name) {
      const collection = await backend.open(name);
      return {
        ...collection,
        async search(queries, options: SearchOptions) {
          options.onExplain?.(explains);
          return collection.search(queries, options);
        },
      };
    },
  };
}
