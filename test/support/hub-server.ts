/** A model hub on the loopback address: serves a folder at hub addresses, with the faults a test switches on. */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { type LoopbackServer, serve } from "./loopback.ts";

/** What goes wrong; change it while the server runs. */
export interface HubFaults {
  /** Files answered with 404. */
  missing: string[];
  /** Ends a file of the storage address after so many bytes, this many times. */
  truncate: { file: string; after: number; times: number } | null;
  /** Serves other bytes than the announced SHA-256 belongs to. */
  corrupt: string | null;
  /** Answers everything with this status, this many times. */
  status: { code: number; times: number } | null;
  /** Ignores Range headers, as some servers do. */
  noRanges: boolean;
}

/** A running hub. */
export interface HubServer extends LoopbackServer {
  readonly faults: HubFaults;
  /** Every request so far as "METHOD /path range?". */
  readonly requests: string[];
  /** Authorization headers that arrived, by path. */
  readonly tokens: Record<string, string | undefined>;
}

/**
 * Serves `directory` as the repository `repository`. Files in `onnx/` are answered as the hub answers large files:
 * a redirect to a second address, with X-Linked-ETag their SHA-256; others directly.
 */
export async function startHubServer(directory: string, repository: string): Promise<HubServer> {
  const faults: HubFaults = { missing: [], truncate: null, corrupt: null, status: null, noRanges: false };
  const requests: string[] = [];
  const tokens: Record<string, string | undefined> = {};

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const path = new URL(request.url ?? "/", "http://hub").pathname;
    requests.push(`${request.method} ${path} ${request.headers.range ?? ""}`.trim());
    tokens[path] = request.headers.authorization;
    if (faults.status !== null && faults.status.times-- > 0) {
      response.writeHead(faults.status.code).end("out of order");
      return;
    }
    const resolved = new RegExp(`^/${repository}/resolve/main/(.+)$`).exec(path)?.[1];
    const stored = /^\/storage\/(.+)$/.exec(path)?.[1];
    const file = resolved ?? stored;
    if (file === undefined || faults.missing.includes(file) || !existsSync(join(directory, file))) {
      response.writeHead(404).end("Entry not found");
      return;
    }
    const bytes = readFileSync(join(directory, file));
    if (resolved?.startsWith("onnx/")) redirect(response, file, bytes);
    else send(request, response, file, bytes);
  }

  function redirect(response: ServerResponse, file: string, bytes: Buffer): void {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    response
      .writeHead(302, {
        location: `/storage/${file}?signature=1`,
        "x-linked-etag": `"${sha256}"`,
        "x-linked-size": bytes.length,
      })
      .end();
  }

  function send(request: IncomingMessage, response: ServerResponse, file: string, bytes: Buffer): void {
    const body = faults.corrupt === file ? Buffer.alloc(bytes.length, 1) : bytes;
    const etag = `"${createHash("sha1").update(bytes).digest("hex")}"`;
    const start = Number(
      /^bytes=(\d+)-$/.exec(faults.noRanges ? "" : (request.headers.range ?? ""))?.[1] ?? 0,
    );
    const cut = faults.truncate?.file === file && faults.truncate.times-- > 0 ? faults.truncate.after : null;
    // Without a length the early end looks like a proper one, and all bytes up to it arrive.
    const length = cut === null ? { "content-length": body.length - start } : {};
    const range = start > 0 ? { "content-range": `bytes ${start}-${body.length - 1}/${body.length}` } : {};
    response.writeHead(start > 0 ? 206 : 200, { etag, "accept-ranges": "bytes", ...length, ...range });
    response.end(body.subarray(start, cut === null ? undefined : start + cut));
  }

  return { ...(await serve(answer)), faults, requests, tokens };
}
