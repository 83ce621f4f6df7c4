/** Certificates for tests: one authority, one server on the loopback address, one client, made by openssl. */

import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { needCommand, run } from "./needs.ts";

export interface Certificates {
  readonly authority: string;
  readonly server: string;
  readonly serverKey: string;
  readonly client: string;
  readonly clientKey: string;
}

const DAYS = "3650";

export function needOpenssl(): string {
  return needCommand("openssl", "make certificates", ["openssl"]);
}

/** The certificates in `folder`, made where they are not there yet. */
export async function certificatesIn(folder: string): Promise<Certificates> {
  if (!existsSync(folder)) {
    const staging = `${folder}.part`;
    rmSync(staging, { recursive: true, force: true });
    mkdirSync(staging, { recursive: true });
    await make(needOpenssl(), staging);
    renameSync(staging, folder);
  }
  return {
    authority: join(folder, "ca.pem"),
    server: join(folder, "server.pem"),
    serverKey: join(folder, "server.key"),
    client: join(folder, "client.pem"),
    clientKey: join(folder, "client.key"),
  };
}

async function make(openssl: string, folder: string): Promise<void> {
  const key = ["-newkey", "rsa:2048", "-nodes"];
  const authority = ["-subj", "/CN=nearsight test authority", "-keyout", "ca.key", "-out", "ca.pem"];
  await run(openssl, ["req", "-x509", ...key, "-days", DAYS, ...authority], { cwd: folder });
  for (const [name, extensions] of [
    ["server", "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n"],
    ["client", "extendedKeyUsage=clientAuth\n"],
  ] as const) {
    const files = ["-keyout", `${name}.key`, "-out", `${name}.csr`];
    await run(openssl, ["req", ...key, "-subj", "/CN=localhost", ...files], { cwd: folder });
    writeFileSync(join(folder, `${name}.ext`), extensions);
    const signer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", DAYS];
    const request = ["-in", `${name}.csr`, "-out", `${name}.pem`, "-extfile", `${name}.ext`];
    await run(openssl, ["x509", "-req", ...request, ...signer], { cwd: folder });
  }
}
