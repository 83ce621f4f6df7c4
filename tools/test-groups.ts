/** The groups of tests: one vitest project each, and for some a server that has to run. */

import { isServerName, SERVER_NAMES, type ServerName } from "./servers/catalogue.ts";

export interface TestGroup {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** The test files of one server: `milvus.test.ts`, `milvus-walkthrough.test.ts`, but not those of `milvus-lite`. */
function filesOf(name: ServerName): TestGroup {
  const others = SERVER_NAMES.filter((other) => other !== name && other.startsWith(name));
  return {
    include: [`test/backends/${name}.test.ts`, `test/backends/${name}-*.test.ts`],
    exclude: others.flatMap((other) => filesOf(other).include),
  };
}

/** Of no group's own: what tests of other groups need beside theirs. */
const HELPING_SERVERS: readonly ServerName[] = ["moto", "versitygw"];

export const SERVER_GROUPS: ReadonlyMap<string, TestGroup> = new Map(
  SERVER_NAMES.filter((name) => !HELPING_SERVERS.includes(name)).map((name) => [name, filesOf(name)]),
);

/** Buckets on two real servers, with the queue that their events go to. */
export const EVENTS: TestGroup = { include: ["test/events/**/*.test.ts"], exclude: [] };
const EVENTS_SERVER: ServerName = "moto";

/** With the real FiftyOne: its formats, and its indexes on the servers that both know. */
const INTEROP_SERVERS = ["milvus", "elasticsearch"] as const satisfies readonly ServerName[];
const INTEROP = "interop";
export const INTEROP_GROUPS: ReadonlyMap<string, TestGroup> = new Map([
  [INTEROP, { include: ["test/interop/formats.test.ts"], exclude: [] }],
  ...INTEROP_SERVERS.map((name): [string, TestGroup] => [
    `${INTEROP}-${name}`,
    { include: [`test/interop/${name}.test.ts`], exclude: [] },
  ]),
]);

/** The server that a group runs on; null where it needs none. */
export function serverOf(group: string): ServerName | null {
  if (group === "events") return EVENTS_SERVER;
  const name = INTEROP_GROUPS.has(group) ? group.slice(`${INTEROP}-`.length) : group;
  return isServerName(name) ? name : null;
}

/** Needs nothing but this machine. */
export const SHORT: TestGroup = {
  include: ["test/**/*.test.ts"],
  exclude: [
    "test/events/**",
    "test/interop/**",
    "test/long/**",
    "test/package/**",
    ...[...SERVER_GROUPS.values()].flatMap(({ include }) => include),
  ],
};
