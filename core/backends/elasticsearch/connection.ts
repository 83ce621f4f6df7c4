/** One client of the Elasticsearch SDK, its calls tried again while the server is busy or away. */

import type { Client, TransportRequestOptions } from "@elastic/elasticsearch";
import { NearsightError, throwIfAborted, wrapError } from "../../errors.ts";
import { retryWhileUnavailable } from "../remote/retry.ts";
import { type CallFacts, callError, tooSlow } from "./errors.ts";
import { PATIENCE, type Patience } from "./limits.ts";
import { connectionPlan, type ElasticsearchOptions } from "./options.ts";

export interface CallOptions {
  /** What is done, for errors. */
  readonly action: string;
  readonly index?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds in which it is tried again. @default those of a read */
  readonly budget?: number;
}

/** One attempt of a call. */
export type Attempt<Answer> = (client: Client, options: TransportRequestOptions) => Promise<Answer>;

export interface Connection {
  readonly patience: Patience;
  /** Calls the SDK, which must be a call that can be done twice; errors by `errors.ts`. */
  call<Answer>(attempt: Attempt<Answer>, options: CallOptions): Promise<Answer>;
  /** What errors of this call say. */
  facts(options: CallOptions): CallFacts;
  client(): Promise<Client>;
  close(): Promise<void>;
}

/** The SDK, loaded when it is first needed. */
let loading: Promise<typeof import("@elastic/elasticsearch")> | undefined;

/** A connection that is made by its first call; CONFIG_INVALID at once, PACKAGE_MISSING by the first call. */
export function openConnection(options: ElasticsearchOptions, patience: Partial<Patience> = {}): Connection {
  const plan = connectionPlan(options);
  const limits = { ...PATIENCE, ...patience };
  let made: Promise<Client> | undefined;
  let closed = false;

  async function connected(): Promise<Client> {
    if (closed) throw closedError();
    made ??= makeClient(plan.config).catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  }

  function facts({ action, index }: CallOptions): CallFacts {
    return { action, index, addresses: plan.addresses, secrets: plan.secrets };
  }

  async function call<Answer>(attempt: Attempt<Answer>, options: CallOptions): Promise<Answer> {
    const { signal, budget = limits.read } = options;
    const once = async () => {
      const client = await connected();
      // The SDK's own limit of time stops at the first byte of an answer, and fires the caller's signal.
      const patience = new AbortController();
      const timer = setTimeout(() => patience.abort(), limits.attempt);
      const both = signal === undefined ? patience.signal : AbortSignal.any([signal, patience.signal]);
      try {
        return await attempt(client, { signal: both, maxRetries: 0 });
      } catch (error) {
        throwIfAborted(signal);
        if (closed) throw closedError();
        throw patience.signal.aborted
          ? tooSlow(limits.attempt, facts(options))
          : callError(error, facts(options));
      } finally {
        clearTimeout(timer);
      }
    };
    return retryWhileUnavailable(once, { budget, signal });
  }

  return {
    patience: limits,
    call,
    facts,
    client: connected,
    async close() {
      closed = true;
      await (await made?.catch(() => undefined))?.close();
    },
  };
}

async function makeClient(config: ConstructorParameters<typeof Client>[0]): Promise<Client> {
  const sdk = await loadSdk();
  /**
   * Speaks plain JSON, which every server takes. The SDK asks for the dialect of its own major version, and a server
   * of the one before refuses every request with a body (`media_type_header_exception`).
   */
  class PlainTransport extends sdk.SniffingTransport {
    constructor(options: ConstructorParameters<typeof sdk.SniffingTransport>[0]) {
      super({
        ...options,
        vendoredHeaders: {
          jsonContentType: "application/json",
          ndjsonContentType: "application/x-ndjson",
          accept: "application/json, text/plain",
        },
      });
    }
  }
  return new sdk.Client({ ...config, Transport: PlainTransport });
}

async function loadSdk(): Promise<typeof import("@elastic/elasticsearch")> {
  loading ??= import("@elastic/elasticsearch");
  return loading.catch((error: unknown) => {
    loading = undefined;
    throw wrapError(error, {
      code: "PACKAGE_MISSING",
      message:
        "Expected the package @elastic/elasticsearch for backend 'elasticsearch' but it is not installed",
      hint: "npm install @elastic/elasticsearch",
      details: { package: "@elastic/elasticsearch" },
    });
  });
}

function closedError(): NearsightError {
  return new NearsightError({
    code: "CLOSED",
    message: "Expected an open Elasticsearch backend but it was closed before this call",
    hint: "Make a new one with elasticsearchBackend()",
  });
}
