/** A collection of Milvus with everything bound that a call needs, for users. */

import { inspect } from "node:util";
import type { CollectionHandle } from "../collection-handle.ts";
import type { Access } from "./access.ts";

/** `index.collection` of an index on Milvus. */
export function collectionHandle(access: Access): CollectionHandle {
  const { name, connection } = access;
  const shown = { name, address: connection.address };
  return {
    name,
    async describe() {
      const layout = await access.refresh();
      return { name, ...layout, size: await access.count() };
    },
    async query(options) {
      const client = await connection.client();
      const answer = await client.query({ ...options, collection_name: name } as Parameters<
        typeof client.query
      >[0]);
      return answer.data;
    },
    count: () => access.count(),
    ...{ toJSON: () => shown, [inspect.custom]: () => `MilvusCollection ${inspect(shown)}` },
  };
}
