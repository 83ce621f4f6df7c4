/** Contract: the end of a client. */

import { expect } from "vitest";
import type { ContractCase } from "../backend-contract.ts";
import { expectCode, fetched, floats, padded, stream } from "../context.ts";

export const CLOSE_CASES: readonly ContractCase[] = [
  {
    name: "closing twice is fine",
    async run({ another }) {
      const client = await another();
      await client.list();
      await client.close();
      await client.close();
      await expectCode(() => client.list(), "CLOSED");
    },
  },
  {
    name: "calls after close are CLOSED and other clients go on",
    async run({ another, capabilities, empty, newName }) {
      const kept = await empty();
      const client = await another();
      const collection = await client.open(kept.name);
      await client.close();
      const spec = { name: newName(), dimension: 8, metric: capabilities.defaultMetric };
      await expectCode(() => client.create(spec), "CLOSED");
      await expectCode(() => client.open(kept.name), "CLOSED");
      await expectCode(() => client.client(), "CLOSED");
      await expectCode(() => collection.describe(), "CLOSED");
      await expectCode(() => collection.search(floats(padded(1)), { k: 1 }), "CLOSED");
      await expectCode(() => fetched(collection.fetch()), "CLOSED");
      await expectCode(() => collection.delete(stream(["a"])), "CLOSED");
      expect((await kept.describe()).size).toBe(0);
    },
  },
];
