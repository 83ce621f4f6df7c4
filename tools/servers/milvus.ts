/** Milvus standalone from its Python wheel: proxy, coordinators, nodes, etcd and queue in one process. */

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { CATALOGUE, MILVUS_ROOT, type MilvusAddress, type Variant } from "./catalogue.ts";
import { type Certificates, certificatesIn, needOpenssl } from "./certificates.ts";
import { installOnce } from "./install.ts";
import { run } from "./needs.ts";
import { takesConnections } from "./ports.ts";
import { installPackages, needPython } from "./python.ts";
import type { Instance, Recipe } from "./recipe.ts";

const { version } = CATALOGUE.milvus;

/** The server's ports counted from its first; the one of the health check is 1000. */
const PORTS: Readonly<Record<string, number>> = {
  proxy_port: 0,
  proxy_internal_port: 1001,
  root_coord_port: 1002,
  query_coord_port: 1003,
  query_node_port: 1004,
  index_coord_port: 1005,
  index_node_port: 1006,
  data_coord_port: 1007,
  data_node_port: 1008,
  etcd_port: 1009,
};
const HEALTH_PORT = 1000;
const ETCD_PORT = 1009;
const ETCD_PEER_PORT = 1010;

const SESSION_SECONDS = 120;

const ROLES = ["rootCoord", "proxy", "queryCoord", "queryNode", "indexNode", "dataCoord", "dataNode"];
const TLS_MODES: Readonly<Record<Variant, number>> = { plain: 0, users: 0, tls: 1, "mutual-tls": 2 };

type Tree = { [key: string]: unknown };

export const MILVUS: Recipe = {
  async needs(variant) {
    await needPython();
    if (TLS_MODES[variant] > 0) needOpenssl();
  },

  async install() {
    await install();
  },

  async prepare(instance) {
    const { folder, port } = instance;
    const server = await install();
    for (const name of ["configs", "data", "logs", "run"]) mkdirSync(join(folder, name), { recursive: true });
    // Without it the server ends, and says nothing that could be found.
    copyFileSync(join(server, "glog.conf"), join(folder, "configs/glog.conf"));
    const certificates = TLS_MODES[instance.variant] > 0 ? await certificatesOf(instance) : null;
    const template = readFileSync(join(server, "config.yaml.template"), "utf8");
    writeConfiguration(instance, configurationOf(instance, template, certificates));
    return {
      command: join(server, "milvus"),
      args: ["run", "standalone"],
      folder,
      environment: {
        PATH: process.env["PATH"],
        HOME: folder,
        DEPLOY_MODE: "STANDALONE",
        METRICS_PORT: String(port + HEALTH_PORT),
        MILVUS_RUN_DIR: join(folder, "run"),
        LD_LIBRARY_PATH: server,
      },
      log: join(folder, "logs/output.log"),
    };
  },

  async isReady({ port }) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port + HEALTH_PORT}/healthz`, {
        signal: AbortSignal.timeout(2000),
      });
      return answer.ok && (await answer.text()).includes("OK") && (await takesConnections(port));
    } catch {
      return false;
    }
  },

  address(instance): MilvusAddress {
    const { variant, port, folder } = instance;
    if (variant === "plain") return { uri: `http://127.0.0.1:${port}` };
    if (variant === "users") return { uri: `http://127.0.0.1:${port}`, ...MILVUS_ROOT };
    const files = join(folder, "certificates");
    const oneWay = {
      uri: `https://localhost:${port}`,
      secure: true,
      caPemPath: join(files, "ca.pem"),
      serverName: "localhost",
    };
    if (variant === "tls") return { ...oneWay, ...MILVUS_ROOT };
    return {
      ...oneWay,
      clientPemPath: join(files, "client.pem"),
      clientKeyPath: join(files, "client.key"),
    };
  },
};

function certificatesOf({ folder }: Instance): Promise<Certificates> {
  return certificatesIn(join(folder, "certificates"));
}

/** The wheel holds each file packed by xz, which the server's own starter unpacks for every folder of data. */
const UNPACK = `
import lzma, os, shutil, sys
source, target = sys.argv[1:]
for name in os.listdir(os.path.join(source, "bin")):
    path = os.path.join(target, name.removesuffix(".lzma"))
    with lzma.open(os.path.join(source, "bin", name)) as packed, open(path, "wb") as file:
        shutil.copyfileobj(packed, file)
    os.chmod(path, 0o755)
for name in ("config.yaml.template", "glog.conf"):
    shutil.copy(os.path.join(source, name), target)
`;

function install(): Promise<string> {
  return installOnce(`milvus-${version}`, async (staging) => {
    const python = await needPython();
    const packages = join(staging, "packages");
    // Its dependencies are those of its Python client.
    await installPackages(python, packages, [`milvus==${version}`], ["--no-deps"]);
    await run(python, ["-c", UNPACK, join(packages, "milvus/data"), staging]);
    await run("rm", ["-r", packages]);
  });
}

/** The package's own configuration with its blanks filled in and every address on the loopback interface. */
function configurationOf(instance: Instance, template: string, certificates: Certificates | null): Tree {
  const { folder, port, variant, settings } = instance;
  const values: Record<string, string | number | boolean> = {
    etcd_data_dir: join(folder, "data/etcd"),
    etcd_log_path: join(folder, "logs/etcd.log"),
    etcd_log_level: "warn",
    local_storage_dir: join(folder, "data"),
    rocksmq_data_dir: join(folder, "data/rocksmq"),
    system_log_path: join(folder, "logs"),
    authorization_enabled: variant === "users" || variant === "tls",
    tls_mode: TLS_MODES[variant],
    ...(certificates === null
      ? {}
      : {
          server_pem_path: certificates.server,
          server_key_path: certificates.serverKey,
          ca_pem_path: certificates.authority,
        }),
  };
  for (const [name, step] of Object.entries(PORTS)) values[name] = port + step;
  const filled = template.replace(/{{\s*(\w+)(?:\(\w+\))?(?::\s*(.*?))?\s*}}/g, (_, name, usual) =>
    String(values[name] ?? usual ?? ""),
  );
  const tree = parse(filled) as Tree;
  for (const role of ROLES) set(tree, `${role}.ip`, "127.0.0.1");
  set(tree, "etcd.config.path", join(folder, "configs/etcd.yaml"));
  set(tree, "log.level", "warn");
  set(tree, "log.stdout", false);
  set(tree, "log.file.maxSize", 20);
  set(tree, "log.file.maxBackups", 1);
  // Half an hour otherwise, which a stop would wait for.
  set(tree, "common.gracefulStopTimeout", 5);
  // On a machine so busy that it misses its heartbeats for half a minute it would end itself.
  set(tree, "common.session.ttl", SESSION_SECONDS);
  for (const [key, value] of Object.entries(settings)) set(tree, key, value);
  return tree;
}

function set(tree: Tree, key: string, value: unknown): void {
  const names = key.split(".");
  const last = names.pop() ?? key;
  let place = tree;
  for (const name of names) {
    const next = (place[name] ?? {}) as Tree;
    place[name] = next;
    place = next;
  }
  place[last] = value;
}

/** As JSON, which every reader of YAML takes. */
function writeConfiguration({ folder, port }: Instance, tree: Tree): void {
  const client = `http://127.0.0.1:${port + ETCD_PORT}`;
  const peer = `http://127.0.0.1:${port + ETCD_PEER_PORT}`;
  const etcd = {
    name: "default",
    "data-dir": join(folder, "data/etcd"),
    "listen-client-urls": client,
    "advertise-client-urls": client,
    "listen-peer-urls": peer,
    "initial-advertise-peer-urls": peer,
    "initial-cluster": `default=${peer}`,
    // Safe against a crash of the server, not of the machine, and many times lighter on a busy disk.
    "unsafe-no-fsync": true,
    "heartbeat-interval": 500,
    "election-timeout": 5000,
    "log-level": "warn",
    "log-outputs": [join(folder, "logs/etcd.log")],
  };
  writeFileSync(join(folder, "configs/milvus.yaml"), JSON.stringify(tree, null, 2));
  writeFileSync(join(folder, "configs/etcd.yaml"), JSON.stringify(etcd, null, 2));
}
