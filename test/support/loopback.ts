/** HTTP servers on the loopback address that answer as a test wants. */

import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

/** A running server; `endpoint` is its address. */
export interface LoopbackServer {
  readonly endpoint: string;
  /** Cuts the connections that are open, too. */
  close(): Promise<void>;
}

/** Starts a server on a free port. */
export async function serve(answer: RequestListener): Promise<LoopbackServer> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
