/** HTTPS servers on the loopback address, named `localhost`, with a certificate of an authority of their own. */

import { readFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { WebSourceOptions } from "../../core/media/web-source.ts";
import { certificatesIn } from "../../tools/servers/certificates.ts";
import { temporaryFolder } from "./temporary.ts";

const LOOPBACK = { address: "127.0.0.1", family: 4 };

/** A running server. */
export interface HttpsServer {
  readonly origin: string;
  /** What a source needs to read from it, but for the roots. */
  readonly reach: Omit<WebSourceOptions, "roots">;
  close(): void;
}

/** Starts a server on a free port. */
export async function serveHttps(answer: RequestListener): Promise<HttpsServer> {
  const {
    authority,
    server: cert,
    serverKey: key,
  } = await certificatesIn(join(temporaryFolder(), "certificates"));
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `https://localhost:${(server.address() as AddressInfo).port}`,
    reach: {
      networks: ["127.0.0.1/32"],
      certificateAuthority: readFileSync(authority, "utf8"),
      resolveHost: async () => [LOOPBACK],
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
