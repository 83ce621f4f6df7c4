/**
 * The test runs: `short` needs this machine alone, one for each server, `interop` and those of its servers the real
 * FiftyOne, `events` buckets and queues, `lambda` AWS's runtime client, `long` takes minutes, `deploy` evaluates what would
 * be deployed, `package` packs and installs.
 */

import { resolve } from "node:path";
import { defineConfig } from "vitest/config";
import {
  DEPLOY,
  EVENTS,
  INTEROP_GROUPS,
  LAMBDA,
  SERVER_GROUPS,
  SHORT,
  serverOf,
} from "./tools/test-groups.ts";

const project = (
  name: string,
  include: readonly string[],
  exclude: readonly string[] = [],
  globalSetup: string[] = [],
) => ({
  extends: true as const,
  test: { name, include: [...include], exclude: ["**/node_modules/**", ...exclude], globalSetup },
});

/** A server starts in seconds, on a busy machine in minutes; one test file starts several. */
const SERVER_TIMEOUTS = { testTimeout: 300_000, hookTimeout: 600_000 };

const serverGroups = [
  ...SERVER_GROUPS,
  ...INTEROP_GROUPS,
  ["events", EVENTS] as const,
  ["lambda", LAMBDA] as const,
];
const serverProjects = serverGroups.map(([name, { include, exclude }]) => {
  const setup = serverOf(name) === null ? [] : ["test/support/server-setup.ts"];
  const { extends: root, test } = project(name, include, exclude, setup);
  return { extends: root, test: { ...test, ...SERVER_TIMEOUTS } };
});

const { extends: root, test: deployTest } = project(
  "deploy",
  DEPLOY.include,
  [],
  ["test/support/deploy-setup.ts"],
);
const deployProject = { extends: root, test: { ...deployTest, ...SERVER_TIMEOUTS } };

export default defineConfig({
  test: {
    projects: [
      project("short", SHORT.include, SHORT.exclude),
      ...serverProjects,
      project("long", ["test/long/**/*.test.ts"]),
      deployProject,
      project("package", ["test/package/**/*.test.ts"], [], ["test/support/pack-once.ts"]),
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Ending several servers on a busy machine.
    teardownTimeout: 180_000,
    pool: "forks",
    maxWorkers: 2,
    env: {
      AWS_EC2_METADATA_DISABLED: "true",
      // Worker threads load sources as they are. Node 24 strips types by WebAssembly, and V8 now and then crashes
      // when many threads do so (its cache of import wrappers): what was stripped once is not stripped again.
      NODE_COMPILE_CACHE: resolve(import.meta.dirname, ".cache/compile"),
    },
  },
});
