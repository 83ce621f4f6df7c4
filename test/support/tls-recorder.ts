/** A server with TLS that notes the requests it gets and answers each alike. */

import { readFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll } from "vitest";
import { type Certificates, certificatesIn } from "../../tools/servers/certificates.ts";

export interface RecordedRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

export interface TlsRecorder {
  readonly port: number;
  readonly requests: RecordedRequest[];
  readonly certificates: Certificates;
}

/** Starts a recorder on the loopback address, its certificates in `folder`; ended with the test file. */
export async function startTlsRecorder(
  folder: string,
  answer: { status: number; headers: Record<string, string>; body: string },
): Promise<TlsRecorder> {
  const certificates = await certificatesIn(folder);
  const requests: RecordedRequest[] = [];
  const server = createServer(
    { cert: readFileSync(certificates.server), key: readFileSync(certificates.serverKey) },
    ({ url = "", headers }, response) => {
      requests.push({ path: url, headers });
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, requests, certificates };
}
