/** Sends requests to the HTTP API: with the key, a time limit, and repeats of what can be sent twice. */

import ky, { type KyInstance } from "ky";
import { NearsightError, throwIfAborted } from "../core/errors.ts";
import { notOurs, problemError, toError } from "./answers.ts";

export type Method = "get" | "post" | "put" | "patch" | "delete";

export interface RequestOptions {
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  /** Whether the request can be sent again where no answer came. Default: those of GET and PUT. */
  readonly repeatable?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Sends one request and gives its answer's JSON; undefined where there is none. */
export interface Http {
  <Answer>(method: Method, path: string, options?: RequestOptions): Promise<Answer>;
  /** Where the server is, without a user's name and password. */
  readonly url: string;
  /** Ends requests under way with CLOSED; later ones too. */
  close(): void;
}

export interface HttpOptions {
  readonly apiKey: string | undefined;
  /** Milliseconds for one request. */
  readonly timeout: number;
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** Repeats of a request; with pauses that grow from 0.3 to 5 seconds, or as long as the server says. */
const RETRIES = 4;
const LONGEST_PAUSE_MS = 5_000;
const LONGEST_ASKED_PAUSE_MS = 60_000;

/** Answers of a server, or of what stands before it, that is busy or away for a moment. */
const BUSY = [408, 429, 503, 504];

/** INVALID_ARGUMENT for an address that is none. */
export function createHttp(url: string, { apiKey, timeout, fetch }: HttpOptions): Http {
  const base = baseOf(url);
  const closed = new AbortController();
  const api: KyInstance = ky.create({
    timeout,
    // A key goes to the address that was given, and to no other.
    redirect: "manual",
    headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
    ...(fetch === undefined ? {} : { fetch }),
  });

  async function send<Answer>(
    method: Method,
    path: string,
    { body, query = {}, repeatable = method === "get" || method === "put", signal }: RequestOptions = {},
  ): Promise<Answer> {
    assertOpen(closed.signal);
    throwIfAborted(signal);
    try {
      const response = await api(base + path, {
        method,
        searchParams: { ...query },
        signal: signal === undefined ? closed.signal : AbortSignal.any([closed.signal, signal]),
        ...(body === undefined ? {} : { json: body }),
        retry: {
          limit: repeatable ? RETRIES : 0,
          methods: [method],
          statusCodes: BUSY,
          afterStatusCodes: BUSY,
          maxRetryAfter: LONGEST_ASKED_PAUSE_MS,
          backoffLimit: LONGEST_PAUSE_MS,
          jitter: true,
        },
      });
      return (await answerOf(response, base)) as Answer;
    } catch (error) {
      assertOpen(closed.signal);
      throwIfAborted(signal);
      throw toError(error, base);
    }
  }

  return Object.assign(send, { url: base, close: () => closed.abort() });
}

async function answerOf(response: Response, url: string): Promise<unknown> {
  if (response.status === 204) return undefined;
  const json = jsonOf(await response.text());
  if (json === undefined) throw notOurs(url, response.status, "something else than JSON");
  // What was done in part is a problem with a status of success.
  if (isProblem(response)) throw problemError(json, url, response.status);
  return json;
}

function isProblem({ headers }: Response): boolean {
  return headers.get("content-type")?.startsWith("application/problem+json") ?? false;
}

/** Undefined for what is no JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The address without a slash at its end and without who logs in; INVALID_ARGUMENT. */
function baseOf(url: string): string {
  const parsed = typeof url === "string" && URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) throw noAddress("something else");
  if (parsed.username !== "" || parsed.password !== "") throw noAddress("a user's name or password in it");
  return (parsed.origin + parsed.pathname).replace(/\/+$/, "");
}

function noAddress(found: string): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected the http or https address of a nearsight server but found ${found}`,
    hint: "Give an address such as http://127.0.0.1:8787, and the key as apiKey",
  });
}

function assertOpen(closed: AbortSignal): void {
  if (!closed.aborted) return;
  throw new NearsightError({
    code: "CLOSED",
    message: "This connection was closed",
    hint: "Call connect() again",
  });
}
