/** The test runs: `short` is what `npm test` runs, `long` takes minutes, `package` packs and installs. */

import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

const project = (name: string, include: string[], exclude: string[] = [], globalSetup: string[] = []) => ({
  extends: true as const,
  test: { name, include, exclude: ["**/node_modules/**", ...exclude], globalSetup },
});

export default defineConfig({
  test: {
    projects: [
      project("short", ["test/**/*.test.ts"], ["test/long/**", "test/package/**"]),
      project("long", ["test/long/**/*.test.ts"]),
      project("package", ["test/package/**/*.test.ts"], [], ["test/support/pack-once.ts"]),
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
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
