/** Elasticsearch, one node on the loopback address, from the distribution that its own build tests on. */

import {
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { join } from "node:path";
import {
  CATALOGUE,
  ELASTICSEARCH_ROOT,
  type ElasticsearchAddress,
  type ElasticsearchGuests,
} from "./catalogue.ts";
import { certificatesIn, needOpenssl } from "./certificates.ts";
import { copyUsers, guestsOf, usersOf } from "./elasticsearch-users.ts";
import { installOnce, isInstalled } from "./install.ts";
import { needJava } from "./java.ts";
import { fetchArtifact, needMaven } from "./maven.ts";
import { run } from "./needs.ts";
import { otherUser } from "./other-user.ts";
import type { Instance, Recipe } from "./recipe.ts";

const TRANSPORT_PORT = 100;
const DEFAULT_HEAP = "512m";
/** The recipe of one of the two versions. */
export function elasticsearch(name: "elasticsearch" | "elasticsearch-8", oldestJava: number): Recipe {
  const { version } = CATALOGUE[name];
  const folderName = `elasticsearch-${version}`;

  const install = () =>
    installOnce(folderName, async (staging) => {
      const group = "org.elasticsearch.distribution.integ-test-zip";
      const zip = await fetchArtifact({ group, name: "elasticsearch", version, kind: "zip" }, staging);
      await run(join(needJava(oldestJava), "bin/jar"), ["-xf", zip], { cwd: staging });
      rmSync(zip);
      // jar does not keep the rights to execute.
      for (const file of globSync(join(staging, "elasticsearch-*/bin/*"))) chmodSync(file, 0o755);
    }).then((folder) => join(folder, folderName));

  return {
    async needs(variant) {
      needJava(oldestJava);
      if (!isInstalled(folderName)) needMaven();
      if (variant === "tls") needOpenssl();
    },

    async install() {
      await install();
    },

    async prepare(instance) {
      const { folder } = instance;
      const distribution = await install();
      const environment = environmentOf(instance, needJava(oldestJava));
      await configure(instance, distribution);
      if (instance.variant !== "plain") {
        copyUsers(await usersOf(version, distribution, needJava(oldestJava)), folder);
      }
      const asOther = await otherUser(folder);
      const [command = "", ...args] = [...asOther, join(distribution, "bin/elasticsearch")];
      return { command, args, folder, environment, log: join(folder, "logs/output.log") };
    },

    isReady: (instance) => isReady(instance),

    address: (instance) => addressOf(instance, version),
  };
}

function environmentOf({ folder }: Instance, java: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"],
    HOME: folder,
    ES_JAVA_HOME: java,
    ES_PATH_CONF: join(folder, "config"),
    ES_TMPDIR: join(folder, "temporary"),
  };
}

async function configure(instance: Instance, distribution: string): Promise<void> {
  const { folder, port, variant, settings } = instance;
  const config = join(folder, "config");
  for (const name of ["data", "logs", "temporary"]) mkdirSync(join(folder, name), { recursive: true });
  if (!existsSync(config)) cpSync(join(distribution, "config"), config, { recursive: true });
  const lines: Record<string, string | number | boolean> = {
    "cluster.name": `nearsight-${port}`,
    "path.data": join(folder, "data"),
    "path.logs": join(folder, "logs"),
    "network.host": "127.0.0.1",
    "http.port": port,
    "transport.port": port + TRANSPORT_PORT,
    "discovery.type": "single-node",
    // A disk that is nearly full would make every index read-only.
    "cluster.routing.allocation.disk.threshold_enabled": false,
    "xpack.security.enabled": variant !== "plain",
    ...settings,
  };
  if (variant === "tls") {
    await certificatesIn(join(config, "certificates"));
    lines["xpack.security.http.ssl.enabled"] = true;
    lines["xpack.security.http.ssl.key"] = "certificates/server.key";
    lines["xpack.security.http.ssl.certificate"] = "certificates/server.pem";
  }
  const text = Object.entries(lines).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
  writeFileSync(join(config, "elasticsearch.yml"), text.join(""));
  const heap = process.env["NEARSIGHT_TEST_ELASTICSEARCH_HEAP"] ?? DEFAULT_HEAP;
  writeFileSync(join(config, "jvm.options.d/heap.options"), `-Xms${heap}\n-Xmx${heap}\n`);
  // Its logs of the collector and of crashes are named relative to the distribution, which instances share.
  const options = readFileSync(join(distribution, "config/jvm.options"), "utf8");
  const logs = options.replace(/(file=|ErrorFile=)(gc\.log|hs_err|logs\/)/g, (_, key, file) =>
    file === "logs/" ? `${key}${folder}/logs/` : `${key}${folder}/logs/${file}`,
  );
  writeFileSync(join(config, "jvm.options"), logs);
}

function addressOf(
  { variant, port, folder }: Instance,
  version: string,
): ElasticsearchAddress & Partial<ElasticsearchGuests> {
  if (variant === "plain") return { hosts: [`http://127.0.0.1:${port}`] };
  const users = { ...ELASTICSEARCH_ROOT, ...guestsOf(version) };
  if (variant === "users") return { hosts: [`http://127.0.0.1:${port}`], ...users };
  const caCerts = join(folder, "config/certificates/ca.pem");
  return { hosts: [`https://localhost:${port}`], ...users, caCerts };
}

function isReady({ variant, port }: Instance): Promise<boolean> {
  const { username, password } = ELASTICSEARCH_ROOT;
  const options = {
    host: "127.0.0.1",
    port,
    path: "/_cluster/health?wait_for_status=yellow&timeout=1s",
    timeout: 3000,
    ...(variant === "plain" ? {} : { auth: `${username}:${password}` }),
  };
  return new Promise((resolve) => {
    const asked =
      variant === "tls" ? tlsRequest({ ...options, rejectUnauthorized: false }) : plainRequest(options);
    asked.once("response", (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked.once("timeout", () => asked.destroy());
    asked.once("error", () => resolve(false));
    asked.end();
  });
}
