/** Calls into a worker thread: requests and answers by number, errors with code and hint intact. */

import { parentPort, Worker, workerData } from "node:worker_threads";
import { type ErrorFacts, isNearsightError, NearsightError } from "./errors.ts";

/** A running worker thread, seen from outside. */
export interface WorkerClient {
  /** Runs a handler in the worker; `transfer` moves buffers instead of copying them. */
  call<Result>(method: string, argument?: unknown, transfer?: readonly ArrayBuffer[]): Promise<Result>;
  /** Ends the thread after the calls under way; later calls throw CLOSED. */
  close(): Promise<void>;
}

/** Functions a worker offers; each takes one argument. */
export type WorkerHandlers = Readonly<Record<string, (argument: never) => unknown>>;

interface Request {
  readonly number: number;
  readonly method: string;
  readonly argument: unknown;
}

/** An error in a form that crosses threads. */
type ThrownFacts = Omit<ErrorFacts, "cause"> & { stack?: string | undefined };

type Answer =
  | { readonly number: number; readonly value: unknown }
  | { readonly number: number; readonly error: ThrownFacts };

interface Waiting {
  resolve(value: never): void;
  reject(error: Error): void;
}

/** Values that leave the worker without being copied. */
class Transferred {
  readonly value: unknown;
  readonly buffers: readonly ArrayBuffer[];
  constructor(value: unknown, buffers: readonly ArrayBuffer[]) {
    this.value = value;
    this.buffers = buffers;
  }
}

/** Marks what a handler returns so that `buffers` move to the caller. */
export function transferring(value: unknown, buffers: readonly ArrayBuffer[]): unknown {
  return new Transferred(value, buffers);
}

/** Node 22 announces node:sqlite as experimental; users can do nothing about it. Deno refuses the option. */
const QUIET = process.allowedNodeEnvironmentFlags.has("--disable-warning")
  ? { execArgv: ["--disable-warning=ExperimentalWarning"] }
  : {};

/** Starts a worker thread. It keeps the process alive only while a call is under way. */
export function startWorker(url: URL, data?: unknown): WorkerClient {
  const worker = new Worker(url, { workerData: data, ...QUIET });
  const waiting = new Map<number, Waiting>();
  let next = 0;
  let closed: Promise<void> | undefined;
  let failure: Error | undefined;
  worker.on("message", (answer: Answer) => settle(answer));
  worker.on("error", (error) => fail(error));
  worker.on("exit", (code) => fail(new Error(`The worker thread ended with code ${code}`)));
  // After the listeners, the first of which would keep the process alive again.
  worker.unref();

  function settle(answer: Answer): void {
    const call = waiting.get(answer.number);
    waiting.delete(answer.number);
    if (waiting.size === 0) worker.unref();
    if ("error" in answer) call?.reject(revive(answer.error));
    else call?.resolve(answer.value as never);
  }

  function fail(error: Error): void {
    failure ??= error;
    for (const call of waiting.values()) call.reject(closedError(failure));
    waiting.clear();
  }

  return {
    call(method, argument, transfer = []) {
      if (closed !== undefined || failure !== undefined) return Promise.reject(closedError(failure));
      return new Promise((resolve, reject) => {
        const number = next++;
        waiting.set(number, { resolve, reject });
        worker.ref();
        try {
          worker.postMessage({ number, method, argument } satisfies Request, [...transfer]);
        } catch (error) {
          waiting.delete(number);
          reject(error);
        }
      });
    },
    close() {
      closed ??= (async () => {
        if (failure === undefined) {
          await new Promise<void>((resolve, reject) => {
            waiting.set(-1, { resolve: () => resolve(), reject: () => resolve() });
            worker.ref();
            try {
              worker.postMessage({ number: -1, method: "close", argument: undefined } satisfies Request);
            } catch (error) {
              reject(error);
            }
          });
        }
        await worker.terminate();
      })();
      return closed;
    },
  };
}

/**
 * Serves `handlers` from inside a worker thread, one call after the other in order of arrival.
 * A handler named `close` runs before the thread ends.
 */
export function serveWorker<Data>(start: (data: Data) => WorkerHandlers): void {
  const port = parentPort;
  if (port === null) throw new Error("This file runs only as a worker thread");
  let handlers: WorkerHandlers | undefined;
  let queue: Promise<void> = Promise.resolve();
  port.on("message", (request: Request) => {
    queue = queue.then(async () => {
      try {
        handlers ??= start(workerData as Data);
        const handler = handlers[request.method] as ((argument: unknown) => unknown) | undefined;
        if (handler === undefined && request.method !== "close")
          throw new Error(`No handler ${request.method}`);
        const value = await handler?.(request.argument);
        if (value instanceof Transferred) {
          port.postMessage({ number: request.number, value: value.value }, [...value.buffers]);
        } else port.postMessage({ number: request.number, value });
      } catch (error) {
        port.postMessage({ number: request.number, error: describe(error) });
      }
    });
  });
}

function describe(error: unknown): ThrownFacts {
  const stack = error instanceof Error ? error.stack : undefined;
  if (isNearsightError(error)) return { ...error.toJSON(), stack };
  return { code: "INTERNAL", message: error instanceof Error ? error.message : String(error), stack };
}

function revive(facts: ThrownFacts): NearsightError {
  const { stack, ...rest } = facts;
  const error = new NearsightError(rest);
  if (stack !== undefined) error.stack = `${error.stack}\n    in the worker thread:\n${stack}`;
  return error;
}

function closedError(cause: Error | undefined): NearsightError {
  return new NearsightError({
    code: "CLOSED",
    message:
      cause === undefined ? "It was closed before this call" : `A worker thread ended: ${cause.message}`,
    hint: "Open it again with open()",
    cause,
  });
}
