/** An application on a real server of this machine, for what only a connection shows. */

import { type ClientRequest, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { type ServerType, serve } from "@hono/node-server";
import { afterAll } from "vitest";
import type { Router } from "../../functions/router.ts";

const servers: ServerType[] = [];

afterAll(() => {
  for (const server of servers.splice(0)) server.close();
});

/** The address under which it answers until the test file ends. */
export async function served(app: Router): Promise<string> {
  const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  servers.push(server);
  await new Promise((resolve) => server.once("listening", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A request whose body the caller writes piece by piece, and its answer. */
export function sending(
  method: string,
  url: string,
  headers: Record<string, string>,
): {
  request: ClientRequest;
  answered: Promise<{ status: number; headers: IncomingMessage["headers"]; text: string }>;
} {
  const sent = request(url, { method, headers, agent: false });
  sent.flushHeaders();
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once("response", resolve).once("error", reject);
  }).then(async (response) => {
    const pieces = await Array.fromAsync(response as AsyncIterable<Buffer>);
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      text: Buffer.concat(pieces).toString(),
    };
  });
  return { request: sent, answered };
}
