/** The users of an Elasticsearch: files of its configuration that its own tools make, once for a version. */

import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ELASTICSEARCH_READER, ELASTICSEARCH_ROOT, type ElasticsearchGuests } from "./catalogue.ts";
import { installOnce, placeOf } from "./install.ts";
import { run } from "./needs.ts";
import { otherUser } from "./other-user.ts";

/** In the folder that `usersOf` gives. */
const TOKEN_FILE = "bearer-token";

const READER_ROLE = "viewer";
const SERVICE_ACCOUNT = "elastic/fleet-server";

/**
 * A folder with a password for the first user, a second user who may only read, and a bearer token. Each tool is a Java
 * of its own and takes seconds, so instances copy what was made once.
 */
export function usersOf(version: string, distribution: string, java: string): Promise<string> {
  return installOnce(folderName(version), async (staging) => {
    const config = join(staging, "config");
    cpSync(join(distribution, "config"), config, { recursive: true });
    writeFileSync(join(config, "elasticsearch.yml"), "xpack.security.enabled: true\n");
    mkdirSync(join(staging, "temporary"));
    const env = {
      PATH: process.env["PATH"],
      ES_JAVA_HOME: java,
      ES_PATH_CONF: config,
      ES_TMPDIR: join(staging, "temporary"),
    };
    const asOther = await otherUser(staging);
    const tool = (name: string, args: readonly string[], input = "") => {
      const [command = "", ...rest] = [...asOther, join(distribution, "bin", name), ...args];
      return run(command, rest, { env, input });
    };
    await tool("elasticsearch-keystore", ["create", "--silent"]);
    const secret = ["add", "--silent", "--stdin", "bootstrap.password"];
    await tool("elasticsearch-keystore", secret, ELASTICSEARCH_ROOT.password);
    const { username, password } = ELASTICSEARCH_READER;
    await tool("elasticsearch-users", ["useradd", username, "-p", password, "-r", READER_ROLE]);
    const said = await tool("elasticsearch-service-tokens", ["create", SERVICE_ACCOUNT, "nearsight"]);
    const token = /= (\S+)$/.exec(said.trim())?.[1];
    if (token === undefined) throw new Error(`Expected a token but the tool said: ${said}`);
    writeFileSync(join(staging, TOKEN_FILE), token);
  });
}

/** Who else may come in: the tests' way to meet a missing right, and a bearer token. */
export function guestsOf(version: string): ElasticsearchGuests {
  const token = join(placeOf(folderName(version)), TOKEN_FILE);
  return { reader: ELASTICSEARCH_READER, bearerAuth: readFileSync(token, "utf8") };
}

function folderName(version: string): string {
  return `elasticsearch-${version}-users`;
}

/** Copies the users into an instance's folder. */
export function copyUsers(users: string, folder: string): void {
  for (const file of ["elasticsearch.keystore", "users", "users_roles", "service_tokens"]) {
    const source = join(users, "config", file);
    if (existsSync(source)) cpSync(source, join(folder, "config", file));
  }
}
