/** What holds however a page says that a server is chosen, found and asked: tried with a recording driver. */

import { expect } from "vitest";
import { readConfig } from "../../core/config.ts";
import { computeSimilarity, open } from "../../core/index.ts";
import { rand } from "./expectations.ts";
import type { Installation } from "./installation.ts";
import { recordingDriver } from "./recording-driver.ts";

type Server = "milvus" | "elasticsearch";

/** An index made with settings of environment or file alone goes to the server they name. */
export async function expectDefaultBackend(server: Server): Promise<void> {
  expect(readConfig().defaultSimilarityBackend).toBe(server);
  await using ns = await open({ backends: [recordingDriver(server)] });
  const dataset = await ns.loadZooDataset("quickstart");
  const index = await computeSimilarity(dataset, { embeddings: rand(200, 512) });
  expect(index.config.method).toBe(server);
  expect(index.isExternal).toBe(true);
}

/** Environment or file give the options, typed; the driver gets them and nothing of them is stored. */
export async function expectConfiguredConnection(
  installation: Installation,
  server: Server,
  connection: Readonly<Record<string, unknown>>,
): Promise<void> {
  expect(readConfig().backendOptions(server)).toEqual(connection);
  const driver = recordingDriver(server);
  await using ns = await open({ backends: [driver] });
  const dataset = await ns.loadZooDataset("quickstart");
  const index = await computeSimilarity(dataset, { embeddings: rand(200, 512), backend: server });
  expect(await index.totalIndexSize()).toBe(200);
  expect(driver.connections).toEqual([connection]);
  expectNotStored(installation, connection);
}

/** No text among the connection's options is in any file of the store. */
export function expectNotStored(
  installation: Installation,
  connection: Readonly<Record<string, unknown>>,
): void {
  // What is stored is found this way.
  expect(installation.isStored("quickstart")).toBe(true);
  const texts = Object.values(connection)
    .flat()
    .filter((value) => typeof value === "string");
  expect(texts.filter((text) => installation.isStored(text))).toEqual([]);
}
