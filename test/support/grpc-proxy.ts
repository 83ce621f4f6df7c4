/** A gRPC server before another one: passes calls on, and answers some itself as a busy server would. */

import {
  type ClientHttp2Session,
  connect,
  constants,
  createServer,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { afterAll } from "vitest";

/** How a call fails in gRPC's own terms. */
export interface GrpcFailure {
  /** grpc.github.io, "Status codes": 8 is RESOURCE_EXHAUSTED. */
  readonly code: number;
  readonly details: string;
  /** Fails this many calls, then no more. @default 1 */
  readonly times?: number;
}

export interface GrpcProxy {
  readonly uri: string;
  /** Names of the methods that were called, those that failed as well. */
  readonly calls: string[];
  /** Fails the next calls, whichever they are. */
  fail(failure: GrpcFailure): void;
}

/** Starts a proxy of the gRPC server at `target`, ended with the test file. */
export async function startGrpcProxy(target: string): Promise<GrpcProxy> {
  const calls: string[] = [];
  const session = connect(target);
  const sessions = new Set<Http2Session>([session]);
  let failure: GrpcFailure | undefined;
  let left = 0;
  const server = createServer();
  server.on("session", (client) => void sessions.add(client));
  server.on("stream", (stream, headers) => {
    calls.push(String(headers[":path"]).split("/").at(-1) ?? "");
    if (failure === undefined || left === 0) return forward(session, stream, headers);
    left--;
    stream.resume();
    stream.respond(trailersOnly(failure), { endStream: true });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  afterAll(() => {
    for (const open of sessions) open.destroy();
    server.close();
  });
  return {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    fail(next) {
      failure = next;
      left = next.times ?? 1;
    },
  };
}

/** A failure is told in headers and without a message (gRPC over HTTP2, "Responses"). */
function trailersOnly({ code, details }: GrpcFailure) {
  return {
    ":status": 200,
    "content-type": "application/grpc",
    "grpc-status": String(code),
    "grpc-message": encodeURIComponent(details),
  };
}

function forward(
  session: ClientHttp2Session,
  stream: ServerHttp2Stream,
  { ":authority": _own, ...headers }: IncomingHttpHeaders,
): void {
  const call = session.request(headers);
  const cut = () => {
    call.close();
    stream.close();
  };
  let trailers: IncomingHttpHeaders = {};
  call.once("response", (answer, flags) => {
    const { ":status": status, ...rest } = answer;
    const isLast = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    stream.respond({ ":status": status ?? 502, ...rest }, { endStream: isLast, waitForTrailers: !isLast });
  });
  call.once("trailers", (found) => {
    trailers = found;
  });
  stream.once("wantTrailers", () => stream.sendTrailers(trailers));
  call.once("error", cut);
  stream.once("error", cut);
  stream.pipe(call);
  call.pipe(stream);
}
