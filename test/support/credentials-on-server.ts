/** Credentials that come later, on a real server that asks for them. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import type { BackendDriver } from "../../core/backends/registry.ts";
import { local } from "../../core/backends/registry.ts";
import type { Dataset } from "../../core/dataset/dataset.ts";
import type { Nearsight } from "../../core/nearsight.ts";
import { temporaryNearsight } from "./temporary.ts";
import { randomVectors } from "./vectors.ts";

/** A server with users: where it is, who may come in, and the option that its refusal has to name. */
export interface GuardedServer {
  readonly driver: BackendDriver;
  connect(): Promise<{
    readonly place: Readonly<Record<string, unknown>>;
    readonly credentials: Readonly<Record<string, string>>;
  }>;
  readonly option: string;
}

/** Registers the tests. */
export function testCredentialsOn({ driver, connect, option }: GuardedServer): void {
  const { name } = driver;
  let place: Readonly<Record<string, unknown>>;
  let credentials: Readonly<Record<string, string>>;
  let ns: Nearsight & { home: string; warnings: string[] };
  let dataset: Dataset;
  let id: string;

  beforeAll(async () => {
    ({ place, credentials } = await connect());
    const first = await temporaryNearsight({ backends: [local, driver] });
    const made = await first.createDataset("guarded");
    [id = ""] = await made.addSamples([{ filepath: "a.jpg" }, { filepath: "b.jpg" }, { filepath: "c.jpg" }]);
    const embeddings = randomVectors(3, 4, 5);
    const options = { embeddings, backend: name, brainKey: "images", metric: "cosine" } as const;
    await first.computeSimilarity(made, { ...options, ...place, ...credentials });
    ns = await temporaryNearsight({ backends: [local, driver], config: { home: first.home } });
    dataset = await ns.loadDataset("guarded");
  });

  const search = (connection: Readonly<Record<string, unknown>>) =>
    dataset.sortBySimilarity({ id }, { brainKey: "images", connection });

  describe("a new process", () => {
    it("is refused without credentials, with a hint that names the option", async () => {
      const refusal = {
        code: "AUTHENTICATION_FAILED",
        hint: expect.stringContaining(option),
      };
      await expect(search(place).count()).rejects.toMatchObject(refusal);
      const index = await dataset.loadBrainResults("images", place).catch((error) => error);
      const outcome = "code" in index ? index : await index.totalIndexSize().catch((error: unknown) => error);
      expect(outcome).toMatchObject(refusal);
    });

    it("gives them with a search or with the key, and none is kept or told", async () => {
      const secret = credentials["password"] ?? "";
      expect(secret).not.toBe("");
      const view = search({ ...place, ...credentials });
      expect(await view.count()).toBe(3);
      const index = await dataset.loadBrainResults("images", { ...place, ...credentials });
      expect(await index.totalIndexSize()).toBe(3);
      const wrong = { ...place, ...credentials, password: `${secret}-wrong` };
      const refused = await search(wrong)
        .count()
        .catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "AUTHENTICATION_FAILED" });
      const told = [view, await view.explain(), refused, index, ns.warnings, await ns.doctor()];
      for (const value of told) expect(inspect(value, { depth: 12, showHidden: true })).not.toContain(secret);
      expect(filesOf(ns.home).filter((path) => readFileSync(path).includes(secret))).toEqual([]);
      await index.delete();
    });
  });
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
