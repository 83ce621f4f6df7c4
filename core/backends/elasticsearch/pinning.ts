/** TLS connections that are trusted by the fingerprint of a certificate instead of by an authority. */

import { isIP } from "node:net";
import { type ConnectionOptions, connect, type DetailedPeerCertificate, type TLSSocket } from "node:tls";

/** How undici, the SDK's HTTP client, asks for a connection. */
interface Destination {
  readonly hostname: string;
  readonly port?: string | number | null;
}

type Connected = (error: Error | null, socket: TLSSocket | null) => void;

const HTTPS_PORT = 443;
const CONNECT_MS = 10_000;

/** Connects where the server's certificate, or one of its issuers that it sends, has this SHA-256. */
export function pinnedConnector(fingerprint: string, options: ConnectionOptions) {
  const wanted = bare(fingerprint);
  return ({ hostname, port }: Destination, connected: Connected): void => {
    const socket = connect({
      host: hostname,
      port: Number(port) || HTTPS_PORT,
      ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
      ALPNProtocols: ["http/1.1"],
      // Without authorities the fingerprint is all there is to check.
      ...(options.ca === undefined ? { rejectUnauthorized: false } : {}),
      ...options,
    });
    socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error("The TLS connection took too long")));
    const failed = (error: Error) => connected(error, null);
    socket.once("error", failed);
    socket.once("secureConnect", () => {
      socket.setTimeout(0);
      socket.removeListener("error", failed);
      if (chainOf(socket.getPeerCertificate(true)).some((found) => bare(found) === wanted)) {
        connected(null, socket);
        return;
      }
      socket.destroy();
      connected(new Error("The certificate has another fingerprint"), null);
    });
  };
}

/** Fingerprints from the server's certificate to the last issuer that is known. */
function chainOf(certificate: DetailedPeerCertificate): string[] {
  const found: string[] = [];
  let current: DetailedPeerCertificate | undefined = certificate;
  // A root is its own issuer.
  while (current?.fingerprint256 !== undefined && !found.includes(current.fingerprint256)) {
    found.push(current.fingerprint256);
    current = current.issuerCertificate;
  }
  return found;
}

function bare(fingerprint: string): string {
  return fingerprint.replaceAll(":", "").toLowerCase();
}
