/** What goes wrong between a client and a server, at each operation, alike for every backend on a server. */

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Backend, Collection } from "../../core/backends/backend.ts";
import { isNearsightError } from "../../core/errors.ts";
import { entries, fetched, floats, joined, padded, select, stream } from "../contract/context.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** How long calls are tried again, and how long one attempt may take, in milliseconds; the driver's own where left out. */
export interface Limits {
  readonly budget?: number;
  readonly attempt?: number;
}

/** A proxy that speaks the server's protocol and can say that the server is busy. */
export interface BusyProxy {
  readonly url: string;
  /** Answers so many requests itself, whatever they ask for. */
  beBusy(times: number): void;
}

export interface FaultyServer {
  /** Address of the server. */
  readonly url: string;
  connect(url: string, limits?: Limits): Backend;
  startBusyProxy(target: string): Promise<BusyProxy>;
}

/** A connected backend with two collections: one is only read, the other only written. */
interface Place {
  readonly backend: Backend;
  readonly kept: Collection;
  readonly changed: Collection;
}

interface Operation {
  /** Makes it possible to run it again. */
  prepare?(place: Place): Promise<unknown>;
  /** Gives what has to be equal whatever happens on the way. */
  run(place: Place): Promise<unknown>;
}

const NAME = `faults_${process.pid}`;
const SIZE = 300;
const QUERY = floats(padded(0.3, -0.2, 0.9));
const KEPT = entries(SIZE, "euclidean", 1, "k");
const WRITTEN = entries(200, "euclidean", 2, "w");
const REMOVED = entries(50, "euclidean", 3, "r");

const OPERATIONS: Readonly<Record<string, Operation>> = {
  list: { run: ({ backend }) => backend.list(`${NAME}_kept`) },
  open: { run: async ({ backend }) => (await backend.open(`${NAME}_kept`)).name },
  "create and drop": {
    async run({ backend }) {
      const name = `${NAME}_${randomUUID().replaceAll("-", "")}`;
      const made = await backend.create({ name, dimension: 4, metric: "euclidean" });
      const { size } = await made.describe();
      await made.drop();
      return { size, left: await backend.list(name) };
    },
  },
  describe: { run: ({ kept }) => kept.describe() },
  facts: { run: async ({ kept }) => (await kept.facts?.())?.["index"] },
  search: { run: ({ kept }) => kept.search(QUERY, { k: 5 }) },
  "search of many queries": {
    run: ({ kept }) => kept.search(entries(40, "euclidean", 4).vectors, { k: 3 }),
  },
  "search in a view": {
    run: ({ kept }) => kept.search(QUERY, { k: 5, within: select(KEPT.ids.slice(0, 40)) }),
  },
  "search of the farthest": { run: ({ kept }) => kept.search(QUERY, { k: 5, reverse: true }) },
  scan: { run: ({ kept }) => joined(kept.scan(QUERY, {})) },
  fetch: { run: async ({ kept }) => (await fetched(kept.fetch())).size },
  "fetch of a selection": {
    run: ({ kept }) => fetched(kept.fetch(select(KEPT.ids.slice(10, 60)))),
  },
  upsert: { run: ({ changed }) => changed.upsert(stream(WRITTEN)) },
  delete: {
    prepare: ({ changed }) => changed.upsert(stream(REMOVED)),
    async run({ changed }) {
      const { failed } = await changed.delete(stream(REMOVED.ids));
      return { failed, left: (await fetched(changed.fetch(select(REMOVED.ids)))).size };
    },
  },
};

const NAMES = Object.keys(OPERATIONS);

/** Bytes after which a connection is cut: in its first message, in a request, in an answer. */
const CUTS = [10, 100, 1000, 5000];
const LATE_MS = 30_000;
/** Long enough to connect on a busy machine. */
const ATTEMPT_MS = 10_000;

/** Declares the tests; the server is that of the project. */
export function testServerFaults({ url, connect, startBusyProxy }: FaultyServer): void {
  let direct: Place;
  const expected: Record<string, unknown> = {};

  async function opened(backend: Backend): Promise<Place> {
    return {
      backend,
      kept: await backend.open(`${NAME}_kept`),
      changed: await backend.open(`${NAME}_changed`),
    };
  }

  /** Does one operation over a proxy, with a fault that begins when all is open. */
  async function throughProxy(
    name: string,
    fault: (proxy: TcpProxy) => void,
    limits?: Limits,
  ): Promise<unknown> {
    const operation = operationOf(name);
    const { hostname, port } = new URL(url);
    const proxy = await startTcpProxy(Number(port), hostname);
    const backend = connect(`http://127.0.0.1:${proxy.port}`, limits);
    try {
      const place = await opened(backend);
      await operation.prepare?.(direct);
      fault(proxy);
      return await operation.run(place);
    } finally {
      await backend.close();
      await proxy.close();
    }
  }

  /** The outcome of each operation, all of them done at once. */
  async function eachThroughProxy(
    fault: (proxy: TcpProxy) => void,
    limits?: Limits,
  ): Promise<Record<string, unknown>> {
    const outcomes = NAMES.map(async (name) => [name, await throughProxy(name, fault, limits).catch(codeOf)]);
    return Object.fromEntries(await Promise.all(outcomes));
  }

  beforeAll(async () => {
    const backend = connect(url);
    for (const part of ["kept", "changed"]) {
      await backend.create({ name: `${NAME}_${part}`, dimension: 8, metric: "euclidean" });
    }
    direct = await opened(backend);
    await direct.kept.upsert(stream(KEPT));
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      await operation.prepare?.(direct);
      expected[name] = await operation.run(direct);
    }
  });
  afterAll(async () => {
    await direct.kept.drop();
    await direct.changed.drop();
    await direct.backend.close();
  });

  describe.each(NAMES)("%s", (name) => {
    test("over a connection that is cut, before or in the middle, ends right", async () => {
      expect(await throughProxy(name, (proxy) => proxy.cut())).toEqual(expected[name]);
      for (const bytes of CUTS) {
        expect(await throughProxy(name, (proxy) => proxy.cutAfter(bytes))).toEqual(expected[name]);
      }
    });

    test("over a connection that drips ends right", async () => {
      expect(await throughProxy(name, (proxy) => proxy.drip(100, 1))).toEqual(expected[name]);
    });

    test("on a server that is busy for a while ends right", async () => {
      const proxy = await startBusyProxy(url);
      const backend = connect(proxy.url);
      const place = await opened(backend);
      await operationOf(name).prepare?.(direct);
      proxy.beBusy(3);
      expect(await operationOf(name).run(place)).toEqual(expected[name]);
      await backend.close();
    });

    test("on a server that stays busy is BACKEND_UNAVAILABLE", async () => {
      const proxy = await startBusyProxy(url);
      const backend = connect(proxy.url, { budget: 200 });
      const place = await opened(backend);
      await operationOf(name).prepare?.(direct);
      proxy.beBusy(Number.POSITIVE_INFINITY);
      expect(await operationOf(name).run(place).catch(codeOf)).toBe("BACKEND_UNAVAILABLE, to try again");
      await backend.close();
    });
  });

  test("a first answer after 30 seconds is waited for by each operation", async () => {
    const late = (proxy: TcpProxy) => {
      proxy.delayFirstAnswer(LATE_MS);
      proxy.cut();
    };
    expect(await eachThroughProxy(late)).toEqual(expected);
  }, 600_000);

  const impatient = { budget: 0, attempt: ATTEMPT_MS };
  const unavailable = Object.fromEntries(NAMES.map((name) => [name, "BACKEND_UNAVAILABLE, to try again"]));

  test("a new connection that takes all and answers nothing ends each operation in time", async () => {
    const halfOpen = (proxy: TcpProxy) => {
      proxy.halfOpen();
      proxy.cut();
    };
    expect(await eachThroughProxy(halfOpen, impatient)).toEqual(unavailable);
  });

  test("a connection that falls silent ends each operation in time", async () => {
    expect(await eachThroughProxy((proxy) => proxy.pause(), impatient)).toEqual(unavailable);
  });
}

function operationOf(name: string): Operation {
  const operation = OPERATIONS[name];
  if (operation === undefined) throw new Error(`Expected an operation but found ${name}`);
  return operation;
}

function codeOf(error: unknown): string {
  if (!isNearsightError(error)) throw error;
  return error.retryable ? `${error.code}, to try again` : `${error.code}: ${error.message}`;
}
