/** A server that answers as S3 does for reading: one bucket in memory, with the faults a test switches on. */

import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { serve } from "./loopback.ts";

interface StoredObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
  readonly modified: Date;
}

/** A running server. What is put and deleted here is what S3 would have. */
export interface BucketServer {
  readonly endpoint: string;
  readonly bucket: string;
  /** Every request so far as "METHOD /path?query". */
  readonly requests: string[];
  /** Answers this many requests with a status and an error code of S3. */
  readonly fault: { status: number; code: string; times: number };
  put(key: string, bytes: Uint8Array | string): void;
  delete(key: string): void;
  /** In the order of their bytes. */
  keys(): string[];
  /** The content of a key as text. */
  contentOf(key: string): string;
  /** The address of a key. */
  uri(key: string): string;
  close(): Promise<void>;
}

/** Settings that reach it. */
export function settingsOf({ endpoint }: BucketServer) {
  return { endpoint, accessKeyId: "test", secretAccessKey: "testtest1" };
}

/** Starts a server with an empty bucket; lists in pages of `pageSize`. */
export async function startBucketServer(bucket = "photos", pageSize = 1_000): Promise<BucketServer> {
  const objects = new Map<string, StoredObject>();
  const requests: string[] = [];
  const fault = { status: 500, code: "InternalError", times: 0 };

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = "", url = "" } = request;
    requests.push(`${method} ${url}`);
    const [path = "", query = ""] = url.split("?");
    const [, name = "", ...parts] = path.split("/");
    const parameters = new URLSearchParams(query);
    const object = objects.get(parts.map(decodeURIComponent).join("/"));
    if (fault.times > 0) {
      fault.times--;
      refuse(response, method, fault.status, fault.code);
    } else if (name !== bucket) refuse(response, method, 404, "NoSuchBucket");
    else if (parameters.get("list-type") === "2") list(response, parameters);
    else if (object === undefined) refuse(response, method, 404, "NoSuchKey");
    else send(response, method, object);
  }

  function list(response: ServerResponse, parameters: URLSearchParams): void {
    const prefix = parameters.get("prefix") ?? "";
    const after = Buffer.from(parameters.get("continuation-token") ?? "", "hex");
    const found = sortedKeys(objects).filter(
      (key) => key.startsWith(prefix) && Buffer.compare(Buffer.from(key), after) > 0,
    );
    const page = found.slice(0, pageSize);
    const next = found.length > page.length ? Buffer.from(page.at(-1) ?? "").toString("hex") : null;
    const contents = page.map((key) => contentXml(key, objects.get(key) as StoredObject));
    response.writeHead(200, { "content-type": "application/xml" });
    response.end(
      `<?xml version="1.0"?><ListBucketResult><Name>${bucket}</Name><EncodingType>url</EncodingType>
        <KeyCount>${page.length}</KeyCount><IsTruncated>${next !== null}</IsTruncated>
        ${next === null ? "" : `<NextContinuationToken>${next}</NextContinuationToken>`}${contents.join("")}
      </ListBucketResult>`,
    );
  }

  const server = await serve(answer);
  return {
    ...server,
    bucket,
    requests,
    fault,
    put(key, content) {
      const bytes = Buffer.from(content);
      const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
      objects.set(key, { bytes, etag, modified: new Date() });
    },
    delete: (key) => void objects.delete(key),
    keys: () => sortedKeys(objects),
    contentOf: (key) => Buffer.from(objects.get(key)?.bytes ?? []).toString(),
    uri: (key) => `s3://${bucket}/${key}`,
  };
}

function sortedKeys(objects: ReadonlyMap<string, unknown>): string[] {
  return [...objects.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** As S3 encodes keys in listings and events: a space is a plus sign, slashes stay. */
export function encodeKey(key: string): string {
  return encodeURIComponent(key).replaceAll("%20", "+").replaceAll("%2F", "/");
}

function contentXml(key: string, { bytes, etag, modified }: StoredObject): string {
  const tag = etag.replaceAll('"', "&quot;");
  return `<Contents><Key>${encodeKey(key)}</Key><LastModified>${modified.toISOString()}</LastModified>
    <ETag>${tag}</ETag><Size>${bytes.byteLength}</Size></Contents>`;
}

function send(response: ServerResponse, method: string, { bytes, etag, modified }: StoredObject): void {
  response.writeHead(200, {
    "content-length": bytes.byteLength,
    etag,
    "last-modified": modified.toUTCString(),
  });
  response.end(method === "HEAD" ? undefined : bytes);
}

/** An answer to HEAD has no body, so the code is lost there. */
function refuse(response: ServerResponse, method: string, status: number, code: string): void {
  response.writeHead(status, { "content-type": "application/xml" });
  response.end(
    method === "HEAD"
      ? undefined
      : `<Error><Code>${code}</Code><Message>${code} says the test</Message></Error>`,
  );
}
