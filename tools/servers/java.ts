/** Finds a Java for Elasticsearch among those of the environment and of the system's usual folder. */

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { MissingTool } from "./needs.ts";

/** Elasticsearch 9 does not start without it; a cut-down Java has none. */
const NEEDED_MODULE = "jdk.incubator.vector";

/** The home of the oldest Java of at least this version; MissingTool where there is none. */
export function needJava(oldest: number): string {
  const { ES_JAVA_HOME, JAVA_HOME } = process.env;
  const found = globSync("/usr/lib/jvm/*").map((home) => ({ home, version: versionOf(home) }));
  const chosen = [ES_JAVA_HOME, JAVA_HOME].find((home) => home !== undefined && versionOf(home) >= oldest);
  if (chosen !== undefined) return chosen;
  const [best] = found
    .filter(({ version }) => version >= oldest)
    .sort((one, two) => one.version - two.version);
  if (best !== undefined) return best.home;
  throw new MissingTool(`a JDK of version ${oldest} or newer (ES_JAVA_HOME, JAVA_HOME, /usr/lib/jvm)`, [
    `openjdk-${oldest}-jdk-headless`,
  ]);
}

/** Its major version; 0 for what is no Java, or lacks what is needed. Every JDK says so in its file `release`. */
function versionOf(home: string): number {
  try {
    const release = readFileSync(join(home, "release"), "utf8");
    const modules = /^MODULES="(.*)"/m.exec(release)?.[1]?.split(" ") ?? [];
    const isWhole = modules.includes(NEEDED_MODULE) && modules.includes("jdk.jartool");
    return isWhole ? Number(/^JAVA_VERSION="(\d+)/m.exec(release)?.[1] ?? 0) : 0;
  } catch {
    return 0;
  }
}
