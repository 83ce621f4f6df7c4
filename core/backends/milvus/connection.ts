/** One connected client of the Milvus SDK, its calls tried again while the server is busy or away. */

import type { MilvusClient } from "@zilliz/milvus2-sdk-node";
import { isNearsightError, NearsightError, wrapError } from "../../errors.ts";
import { retryWhileUnavailable, unlessAborted } from "../remote/retry.ts";
import {
  type CallFacts,
  grpcError,
  isNotLoaded,
  isSuccess,
  type ServerStatus,
  statusError,
} from "./errors.ts";
import { PATIENCE, type Patience, ZILLIZ_PATIENCE } from "./limits.ts";
import { type ConnectionPlan, connectionPlan, type MilvusOptions } from "./options.ts";
import { callOnce, type Message, type VectorColumn, type WireAnswer } from "./wire.ts";

export interface CallOptions {
  /** The collection the call is about, for errors. */
  readonly collection?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly vectors?: VectorColumn | undefined;
  /** Milliseconds of one attempt. */
  readonly timeout?: number | undefined;
  /** Milliseconds in which it is tried again. */
  readonly budget?: number | undefined;
  /** Loads the collection, where the server says that it is not. */
  readonly load?: (() => Promise<void>) | undefined;
}

export interface Connection {
  readonly address: string;
  /** Of the server; known once connected. */
  version(): Promise<string>;
  /** Calls a method of Milvus' protocol, which must be one that can be called twice; errors by `errors.ts`. */
  call(method: string, request: Message, options?: CallOptions): Promise<WireAnswer>;
  /** Has the SDK itself do what it does well, with the same errors. */
  sdkCall(
    method: string,
    collection: string,
    work: (client: MilvusClient) => Promise<unknown>,
  ): Promise<void>;
  client(): Promise<MilvusClient>;
  close(): Promise<void>;
}

/** The SDK, loaded when it is first needed. */
let loading: Promise<typeof import("@zilliz/milvus2-sdk-node")> | undefined;

/** A connection that is made by its first call; CONFIG_INVALID at once, PACKAGE_MISSING by the first call. */
export function openConnection(options: MilvusOptions, patience?: Partial<Patience>): Connection {
  const plan = connectionPlan(options);
  const limits = { ...(plan.isZilliz ? ZILLIZ_PATIENCE : PATIENCE), ...patience };
  let connecting: Promise<MilvusClient> | undefined;
  let closed = false;

  function connected(signal?: AbortSignal): Promise<MilvusClient> {
    if (closed) return Promise.reject(closedError());
    connecting ??= connect(plan, limits).catch((error: unknown) => {
      connecting = undefined;
      throw error;
    });
    return unlessAborted(connecting, signal);
  }

  async function call(method: string, request: Message, options: CallOptions = {}): Promise<WireAnswer> {
    const { signal, vectors, collection } = options;
    const client = await connected(signal);
    const timeout = options.timeout ?? limits.attempt;
    const about = { method, collection, secrets: plan.secrets };
    const once = async (load: CallOptions["load"]): Promise<WireAnswer> => {
      if (closed) throw closedError();
      const answer = await callOnce(client, method, request, { call: about, timeout, signal, vectors });
      const status = statusOf(answer.message);
      if (isSuccess(status)) return answer;
      if (!isNotLoaded(status) || load === undefined) throw statusError(status, about);
      await load();
      return once(undefined);
    };
    return retryWhileUnavailable(() => once(options.load), { budget: options.budget ?? limits.call, signal });
  }

  async function sdkCall(
    method: string,
    collection: string,
    work: (client: MilvusClient) => Promise<unknown>,
  ): Promise<void> {
    const client = await connected();
    const about = { method, collection, secrets: plan.secrets };
    await retryWhileUnavailable(
      () =>
        work(client).catch((error: unknown) => {
          throw sdkError(error, about);
        }),
      { budget: limits.call },
    );
  }

  return {
    address: plan.address,
    call,
    sdkCall,
    async version() {
      const { message } = await call("GetVersion", {});
      return String(message.version ?? "");
    },
    client: () => connected(),
    async close() {
      if (closed) return;
      closed = true;
      const client = await connecting?.catch(() => undefined);
      await client?.closeConnection();
    },
  };
}

/** Makes the SDK's client and has it introduce itself; a cluster that wakes up is waited for. */
async function connect(plan: ConnectionPlan, limits: Patience): Promise<MilvusClient> {
  const { MilvusClient: Client } = await loadSdk();
  const client = madeClient(() => new Client({ ...plan.config, timeout: limits.attempt }));
  const about = { method: "Connect", secrets: plan.secrets };
  try {
    await retryWhileUnavailable(
      async () => {
        client.connect(Client.sdkInfo.version);
        await client.connectPromise.catch((error: unknown) => {
          throw sdkError(error, about);
        });
      },
      { budget: limits.connect },
    );
    return client;
  } catch (error) {
    await client.closeConnection();
    if (plan.isZilliz && isNearsightError(error, "BACKEND_UNAVAILABLE")) throw wakingError(plan, error);
    throw error;
  }
}

function madeClient(make: () => MilvusClient): MilvusClient {
  try {
    return make();
  } catch (error) {
    throw wrapError(error, {
      code: "CONFIG_INVALID",
      message: "Expected certificates and a key in PEM format but they could not be used",
      hint: "Correct caPemPath, serverPemPath, clientPemPath or clientKeyPath",
    });
  }
}

async function loadSdk(): Promise<typeof import("@zilliz/milvus2-sdk-node")> {
  loading ??= import("@zilliz/milvus2-sdk-node");
  return loading.catch((error: unknown) => {
    loading = undefined;
    throw wrapError(error, {
      code: "PACKAGE_MISSING",
      message: "Expected the package @zilliz/milvus2-sdk-node for backend 'milvus' but it is not installed",
      hint: "npm install @zilliz/milvus2-sdk-node",
      details: { package: "@zilliz/milvus2-sdk-node" },
    });
  });
}

/** Answers are a status, or have one. */
function statusOf(message: Message): ServerStatus {
  return (message.status ?? message) as ServerStatus;
}

function isGrpcFailure(error: unknown): error is { code: number; details: string } {
  return typeof error === "object" && error !== null && "code" in error && "details" in error;
}

/** The SDK throws what gRPC gives, the status of an answer as it is, or an error of its own. */
function sdkError(error: unknown, about: CallFacts): NearsightError {
  if (isGrpcFailure(error)) return grpcError(error, about);
  if (error instanceof Error) return grpcError({ code: 2, details: error.message }, about);
  return statusError(statusOf((error ?? {}) as Message), about);
}

function wakingError({ address }: ConnectionPlan, cause: unknown): NearsightError {
  return new NearsightError({
    code: "BACKEND_UNAVAILABLE",
    message: `Expected the Zilliz Cloud cluster at ${address} to answer but it is waking up, or stopped`,
    hint: "Wait a minute and call again, or resume the cluster in its console",
    details: { address },
    cause,
  });
}

function closedError(): NearsightError {
  return new NearsightError({
    code: "CLOSED",
    message: "Expected an open Milvus backend but it was closed before this call",
    hint: "Make a new one with milvusBackend()",
  });
}
