/**
 * A stand-in for the service AWS Lambda: gives events to a packed function that runs under AWS's own runtime client,
 * and takes its answers, whole or in parts. One function a call, on this machine only.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";

/** What the service lets through, in bytes: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html. */
const MOST_EVENT_BYTES = 6_291_456;
const MOST_ANSWER_BYTES = 6_291_556;

export interface LambdaOptions {
  /** Folder of the bundle. */
  readonly folder: string;
  /** Folder of aws-lambda-ric. */
  readonly runtimeClient: string;
  /** Default `index.handler`. */
  readonly handler?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Longest run of an invocation. Default 30 s. */
  readonly timeoutMs?: number;
}

/** What became of an invocation. */
export interface Invocation {
  /** The function's answer, or its error as the runtime client tells it. */
  readonly payload: string;
  readonly isError: boolean;
  readonly milliseconds: number;
  /** The parts of a streamed answer as they came; empty for a whole one. */
  readonly parts: readonly Buffer[];
}

export interface LambdaFunction {
  invoke(event: unknown): Promise<Invocation>;
  /** The function's process. */
  readonly pid: number;
  /** Milliseconds from the start of the process to its first question for an event. */
  readonly initMs: Promise<number>;
  /** What the function wrote, both streams. */
  log(): string;
  stop(): Promise<void>;
}

interface Job {
  readonly id: string;
  readonly body: string;
  readonly parts: Buffer[];
  begun: number;
  end(outcome: Pick<Invocation, "payload" | "isError">): void;
}

/** Starts a function; it asks for its first event once it is initialised. */
export async function startLambda(options: LambdaOptions): Promise<LambdaFunction> {
  const { timeoutMs = 30_000 } = options;
  const waiting: Job[] = [];
  const asking: ServerResponse[] = [];
  const running = new Map<string, Job>();
  const initialised = Promise.withResolvers<number>();
  initialised.promise.catch(() => undefined);
  let failure: string | undefined;
  let written = "";

  function handOut(): void {
    while (waiting.length > 0 && asking.length > 0) {
      const [job, response] = [waiting.shift() as Job, asking.shift() as ServerResponse];
      running.set(job.id, job);
      job.begun = performance.now();
      response.writeHead(200, {
        "content-type": "application/json",
        "lambda-runtime-aws-request-id": job.id,
        "lambda-runtime-deadline-ms": Date.now() + timeoutMs,
        "lambda-runtime-invoked-function-arn": "arn:aws:lambda:us-east-1:000000000000:function:nearsight",
        "lambda-runtime-trace-id": "Root=1-00000000-000000000000000000000000;Sampled=0",
      });
      response.end(job.body);
    }
  }

  function failAll(reason: string): void {
    failure ??= reason;
    initialised.reject(new Error(reason));
    for (const job of [...waiting.splice(0), ...running.values()])
      job.end({ payload: failure, isError: true });
    running.clear();
  }

  async function takeAnswer(job: Job, isError: boolean, request: IncomingMessage): Promise<number> {
    if (request.headers["lambda-runtime-function-response-mode"] === "streaming") {
      for await (const part of request) job.parts.push(part as Buffer);
      job.end({ payload: Buffer.concat(job.parts).toString(), isError: false });
      return 202;
    }
    const body = await buffer(request);
    const isTooLarge = body.length > MOST_ANSWER_BYTES;
    const payload = isTooLarge ? '{"errorType":"Function.ResponseSizeTooLarge"}' : body.toString();
    job.end({ payload, isError: isError || isTooLarge });
    return isTooLarge ? 413 : 202;
  }

  const server = createServer(async (request, response) => {
    const path = (request.url ?? "").replace("/2018-06-01/runtime/", "");
    if (path === "invocation/next") {
      initialised.resolve(performance.now() - begun);
      asking.push(response);
      return handOut();
    }
    const [, id = "", kind] = /^invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
    const job = running.get(id);
    if (job !== undefined) {
      running.delete(id);
      response.writeHead(await takeAnswer(job, kind === "error", request)).end('{"status":"OK"}');
    } else if (path === "init/error") {
      failAll((await buffer(request)).toString());
      response.writeHead(202).end('{"status":"OK"}');
    } else response.writeHead(404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  const begun = performance.now();
  const child = startRuntime(options, (server.address() as AddressInfo).port);
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      written += text;
    });
  }
  child.on("exit", (code, signal) => failAll(`{"errorType":"Runtime.ExitError","exit":"${signal ?? code}"}`));

  return {
    invoke(event) {
      const body = JSON.stringify(event);
      const tooLarge = '{"errorType":"RequestEntityTooLargeException"}';
      return new Promise((resolve) => {
        const job: Job = {
          id: randomUUID(),
          body,
          parts: [],
          begun: performance.now(),
          end: (outcome) =>
            resolve({ ...outcome, parts: job.parts, milliseconds: performance.now() - job.begun }),
        };
        if (Buffer.byteLength(body) > MOST_EVENT_BYTES) return job.end({ payload: tooLarge, isError: true });
        if (failure !== undefined) return job.end({ payload: failure, isError: true });
        waiting.push(job);
        handOut();
      });
    },
    pid: child.pid ?? 0,
    initMs: initialised.promise,
    log: () => written,
    async stop() {
      const ended = once(child, "exit");
      const isRunning = child.exitCode === null && child.signalCode === null;
      child.kill("SIGKILL");
      if (isRunning) await ended;
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** The function's process, with the variables that Lambda sets and no others of ours. */
function startRuntime(
  { folder, runtimeClient, handler = "index.handler", environment = {} }: LambdaOptions,
  port: number,
): ChildProcess {
  return spawn(process.execPath, [join(runtimeClient, "index.mjs"), handler], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
      LAMBDA_TASK_ROOT: folder,
      _HANDLER: handler,
      AWS_LAMBDA_FUNCTION_NAME: "nearsight",
      AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "2048",
      AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/nearsight",
      AWS_LAMBDA_LOG_STREAM_NAME: "$LATEST",
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "test-key-id",
      AWS_SECRET_ACCESS_KEY: "test-secret-key",
      AWS_EC2_METADATA_DISABLED: "true",
      ...environment,
    },
  });
}
