/** The embedded default as a backend that can be chosen by name. */

import { connectionOptions, indexOptions } from "../../backend-settings.ts";
import { NearsightError } from "../../errors.ts";
import type { BackendDriver } from "../backend.ts";
import { localBackend } from "./local.ts";

/**
 * The embedded backend: files under the store's folder, no server.
 *
 * @example
 * await using ns = await open({ backends: [local] });
 */
export const local: BackendDriver = {
  name: "local",
  connectionOptions: connectionOptions("local"),
  indexOptions: indexOptions("local"),
  connect: async ({ home }, { memoryLimit, threads }) =>
    localBackend({
      folder: `${home}/indexes`,
      ...(memoryLimit === undefined ? {} : { memoryLimit: limitOf("memoryLimit", memoryLimit) }),
      ...(threads === undefined ? {} : { threads: limitOf("threads", threads) }),
    }),
};

function limitOf(name: string, value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw new NearsightError({
    code: "CONFIG_INVALID",
    message: `Expected a whole number above 0 for ${name} of backend 'local' but found ${String(value)}`,
    hint: `Correct FIFTYONE_BRAIN_SIMILARITY_LOCAL_${name === "threads" ? "THREADS" : "MEMORY_LIMIT"}, or leave it out`,
    details: { option: name },
  });
}
