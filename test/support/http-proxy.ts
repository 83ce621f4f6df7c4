/** An HTTP server before another one: notes what passes, and answers some requests itself as a busy server would. */

import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { afterAll } from "vitest";
import { serve } from "./loopback.ts";

/** What passed: the first bytes of its body are enough to tell requests apart. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly bytes: number;
}

/** An answer in place of the server's. */
export interface OwnAnswer {
  readonly status: number;
  readonly body?: string | Buffer;
  /** Answers this many requests, then no more. @default 1 */
  readonly times?: number;
  /** Only requests whose path holds this. */
  readonly path: string;
  /** The server does what was asked, and only its answer is lost. @default false */
  readonly afterwards?: boolean;
  /** Says that it comes from Elasticsearch, which the SDK asks for. @default true */
  readonly isElasticsearch?: boolean;
}

export interface HttpProxy {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** Answers the next fitting requests itself. */
  answer(answer: OwnAnswer): void;
}

/** Starts a proxy of the server at `target`, ended with the test file. */
export async function startHttpProxy(target: string): Promise<HttpProxy> {
  const seen: SeenRequest[] = [];
  const answers: { answer: OwnAnswer; left: number }[] = [];
  const { endpoint, close } = await serve((incoming, outgoing) => {
    void collected(incoming).then(async (body) => {
      const path = incoming.url ?? "/";
      seen.push({ method: incoming.method ?? "", path, bytes: body.length });
      const own = answers.find(({ answer, left }) => left > 0 && path.includes(answer.path));
      if (own === undefined) return forward(target, incoming, body, outgoing);
      own.left--;
      if (own.answer.afterwards === true) await forwarded(target, incoming, body);
      outgoing.writeHead(own.answer.status, {
        "content-type": "application/json",
        ...(own.answer.isElasticsearch === false ? {} : { "x-elastic-product": "Elasticsearch" }),
      });
      outgoing.end(own.answer.body ?? "");
    });
  });
  afterAll(close);
  return {
    url: endpoint,
    seen,
    answer: (answer) => void answers.push({ answer, left: answer.times ?? 1 }),
  };
}

async function forward(
  target: string,
  incoming: IncomingMessage,
  body: Buffer,
  outgoing: ServerResponse,
): Promise<void> {
  const { status, headers, answer } = await forwarded(target, incoming, body);
  outgoing.writeHead(status, headers);
  outgoing.end(answer);
}

function forwarded(target: string, { method, url, headers }: IncomingMessage, body: Buffer) {
  return new Promise<{ status: number; headers: IncomingMessage["headers"]; answer: Buffer }>(
    (resolve, reject) => {
      const options = {
        ...(method === undefined ? {} : { method }),
        headers: { ...headers, host: new URL(target).host },
      };
      const sent = request(new URL(url ?? "/", target), options, (answer) => {
        collected(answer).then(
          (bytes) =>
            resolve({
              status: answer.statusCode ?? 502,
              headers: withoutLength(answer.headers),
              answer: bytes,
            }),
          reject,
        );
      });
      sent.on("error", reject);
      sent.end(body);
    },
  );
}

/** The body is sent in one piece, whatever pieces it came in. */
function withoutLength(headers: IncomingMessage["headers"]): IncomingMessage["headers"] {
  const { "content-length": _length, "transfer-encoding": _encoding, ...others } = headers;
  return others;
}

async function collected(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}
