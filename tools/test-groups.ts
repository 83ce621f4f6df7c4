/** The groups of tests: one vitest project each, and for some a server that has to run. */

import { SERVER_NAMES, type ServerName } from "./servers/catalogue.ts";

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

export const SERVER_GROUPS: ReadonlyMap<string, TestGroup> = new Map(
  SERVER_NAMES.map((name) => [name, filesOf(name)]),
);

/** Needs nothing but this machine. */
export const SHORT: TestGroup = {
  include: ["test/**/*.test.ts"],
  exclude: [
    "test/long/**",
    "test/package/**",
    ...[...SERVER_GROUPS.values()].flatMap(({ include }) => include),
  ],
};
