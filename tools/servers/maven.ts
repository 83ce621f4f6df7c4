/** Fetches an artifact from the Maven repository this machine is set up for, and checks its checksum. */

import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, createWriteStream, existsSync, readFileSync } from "node:fs";
import { type IncomingMessage, get as plainGet } from "node:http";
import { get as tlsGet } from "node:https";
import { homedir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { XMLParser } from "fast-xml-parser";
import { findCommand, MissingTool, run } from "./needs.ts";

export interface Artifact {
  readonly group: string;
  readonly name: string;
  readonly version: string;
  readonly kind: string;
}

const MAX_REDIRECTS = 5;

interface Mirror {
  readonly url?: string;
  readonly mirrorOf?: string;
}

/** Throws MissingTool where there is neither Maven nor a mirror in its settings. */
export function needMaven(): void {
  if (findCommand("mvn") === null && mirror() === null) {
    throw new MissingTool("mvn, or a mirror in ~/.m2/settings.xml, to fetch Elasticsearch", ["maven"]);
  }
}

/** Downloads into `folder` and gives the file's path: by `mvn` where it is there, else from the mirror in its settings. */
export async function fetchArtifact(artifact: Artifact, folder: string): Promise<string> {
  needMaven();
  const { group, name, version, kind } = artifact;
  const file = join(folder, `${name}-${version}.${kind}`);
  const maven = findCommand("mvn");
  if (maven === null) {
    const path = [...group.split("."), name, version, `${name}-${version}.${kind}`].join("/");
    await download(`${mirror()}/${path}`, file);
    return file;
  }
  const goal = ["dependency:copy", `-Dartifact=${group}:${name}:${version}:${kind}`];
  // Strict checksums: Maven only warns otherwise.
  const options = ["--quiet", "--batch-mode", "--strict-checksums", "-Dmdep.useBaseVersion=true"];
  await run(maven, [...options, ...goal, `-DoutputDirectory=${folder}`], { cwd: folder });
  return file;
}

/** The address of the mirror of everything or of Maven's central repository in the user's settings. */
function mirror(): string | null {
  const path = join(homedir(), ".m2/settings.xml");
  if (!existsSync(path)) return null;
  const settings = new XMLParser().parse(readFileSync(path, "utf8"));
  const mirrors: Mirror[] = [settings?.settings?.mirrors?.mirror ?? []].flat();
  const fitting = mirrors.find(({ mirrorOf = "" }) => /^(\*|external:\*|central)(,|$)/.test(mirrorOf.trim()));
  return fitting?.url?.replace(/\/+$/, "") ?? null;
}

async function download(address: string, file: string): Promise<void> {
  await pipeline(await open(address), createWriteStream(file));
  const expected = (await text(await open(`${address}.sha1`))).trim().slice(0, 40);
  const hash = createHash("sha1");
  await pipeline(createReadStream(file), hash);
  const found = hash.digest("hex");
  if (found !== expected) throw new Error(`Expected ${address} with SHA-1 ${expected} but found ${found}`);
}

/** By Node's own client: `fetch` of Node 24 fails an assertion where a server of HTTP/1.0 ends a long answer. */
async function open(address: string, redirects = MAX_REDIRECTS): Promise<IncomingMessage> {
  const asked = (address.startsWith("https:") ? tlsGet : plainGet)(address);
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  const { statusCode = 0, headers } = answer;
  if (statusCode === 200) return answer;
  answer.resume();
  if (statusCode < 300 || statusCode > 399 || headers.location === undefined || redirects === 0) {
    throw new Error(`Expected ${address} but the server answered ${statusCode}`);
  }
  return open(new URL(headers.location, address).href, redirects - 1);
}
