/** Connects to a nearsight server: the interface of `open`, over its HTTP API. */

import type { Nearsight } from "../core/index.ts";
import { createIo } from "../core/io/io.ts";
import { openMedia } from "../core/media/source.ts";
import { createHttp } from "./http.ts";
import { remoteNearsight } from "./remote.ts";

/** What `connect` may be given. */
export interface ConnectOptions {
  /** The key that the server knows; what may be done with it is the server's to say. */
  readonly apiKey?: string | undefined;
  /** Milliseconds that one request may take. Default 300,000: five minutes. */
  readonly timeout?: number | undefined;
}

const TIMEOUT_MS = 300_000;

/**
 * Connects to a server at an http or https address. What works with `open` works with the answer too, but for what
 * docs/client.md lists: those calls throw REMOTE_UNSUPPORTED. Errors are the server's own, by code; SERVER_UNREACHABLE
 * where no answer comes, SERVER_INVALID for a server of another kind, API_KEY_INVALID, INVALID_ARGUMENT.
 *
 * @example
 * await using ns = await connect("http://127.0.0.1:8787", { apiKey });
 * const dataset = await ns.loadDataset("quickstart");
 * const hits = await dataset.sortBySimilarity({ prompt: "a dog" }, { k: 5 }).hits();
 */
export async function connect(url: string, options: ConnectOptions = {}): Promise<Nearsight> {
  const { apiKey, timeout = TIMEOUT_MS } = options;
  const http = createHttp(url, { apiKey, timeout });
  return remoteNearsight(http, { io: createIo(), readMedia: (path) => openMedia(path) });
}
