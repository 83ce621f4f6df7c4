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

/** Servers that keep no vectors. */
const WITHOUT_BACKEND: readonly ServerName[] = ["postgres", "moto", "versitygw"];

/** What runs on SQLite in `short` and again on PostgreSQL: the store, and what leans on it most. */
const ON_EVERY_DATABASE = [
  "test/store/*.test.ts",
  "test/unit/dataset/*.test.ts",
  "test/unit/sync/*.test.ts",
  ...["index-changes", "runs", "take-over"].map((name) => `test/unit/brain/${name}.test.ts`),
];
/** The store on PostgreSQL alone. */
const POSTGRES_FILES = "test/store/postgres-*.test.ts";

const OF_BACKENDS = SERVER_NAMES.filter((name) => !WITHOUT_BACKEND.includes(name)).map(
  (name): [string, TestGroup] => [name, filesOf(name)],
);

export const SERVER_GROUPS: ReadonlyMap<string, TestGroup> = new Map([
  ...OF_BACKENDS,
  ["postgres", { include: ON_EVERY_DATABASE, exclude: [] }],
]);

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

/** What would be deployed, with SST's platform, which comes from the npm registry. */
export const DEPLOY: TestGroup = { include: ["test/deploy/**/*.test.ts"], exclude: [] };

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
    ...DEPLOY.include,
    "test/events/**",
    "test/interop/**",
    "test/long/**",
    "test/package/**",
    ...OF_BACKENDS.flatMap(([, { include }]) => include),
    POSTGRES_FILES,
  ],
};
