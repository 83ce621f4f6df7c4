/** The installation a page's twins work in: a home folder and a hub of their own, found by environment as users do. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, inject, vi } from "vitest";
import { nameOfFile } from "../../core/backends/local/names.ts";
import { closeDefaultInstance, defaultInstance } from "../../core/index.ts";
import { type HubServer, startHubServer } from "../support/hub-server.ts";
import { FULL, fullClip, REPOSITORY, writeSmallClip } from "./clip.ts";

export interface Installation {
  /** The user's home folder; the store is in `.nearsight` inside. */
  readonly home: string;
  /** Gives the process these variables while `use` runs. */
  withEnvironment(variables: Readonly<Record<string, string>>, use: () => Promise<void>): Promise<void>;
  /** Writes the brain configuration file while `use` runs. */
  withBrainConfig(content: unknown, use: () => Promise<void>): Promise<void>;
  /** True if any file of the store holds the text. */
  isStored(text: string): boolean;
}

/** Prepares it before the tests of a file, empties it after each, and removes it at the end. */
export function useInstallation(): Installation {
  const home = mkdtempSync(join(tmpdir(), "nearsight-walkthrough-"));
  const store = join(home, ".nearsight");
  let hub: HubServer;

  if (FULL) vi.setConfig({ testTimeout: 1_800_000, hookTimeout: 600_000 });
  // A page's longest block makes four indexes on the server, and other tests run beside it.
  else if (inject("server") !== undefined) vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

  beforeAll(async () => {
    const clip = FULL ? await fullClip() : join(home, "hub");
    if (!FULL) await writeSmallClip(clip);
    hub = await startHubServer(clip, REPOSITORY);
    for (const name of Object.keys(process.env)) {
      if (/^(FIFTYONE_|NEARSIGHT_|HF_)/.test(name)) vi.stubEnv(name, undefined);
    }
    vi.stubEnv("HOME", home);
    vi.stubEnv("NEARSIGHT_CACHE", join(home, "cache"));
    vi.stubEnv("HF_ENDPOINT", hub.endpoint);
  });

  afterEach(async () => {
    await deleteCollections(join(store, "indexes"));
    await closeDefaultInstance();
    // The pictures of the data set stay: drawing them takes longer than the tests.
    for (const name of readdirSync(store)) {
      if (name !== "zoo") rmSync(join(store, name), { recursive: true, force: true });
    }
  });

  afterAll(async () => {
    await hub.close();
    vi.unstubAllEnvs();
    rmSync(home, { recursive: true, force: true });
  });

  return {
    home,
    async withEnvironment(variables, use) {
      const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
      Object.assign(process.env, variables);
      try {
        await use();
      } finally {
        for (const [name, value] of before) {
          if (value === undefined) delete process.env[name];
          else process.env[name] = value;
        }
      }
    },
    async withBrainConfig(content, use) {
      const folder = join(home, ".fiftyone");
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "brain_config.json"), JSON.stringify(content));
      try {
        await use();
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
    isStored(text) {
      const files = readdirSync(store, { recursive: true, withFileTypes: true }).filter(
        (entry) => entry.isFile() && !entry.parentPath.startsWith(join(store, "zoo")),
      );
      return files.some((file) => readFileSync(join(file.parentPath, file.name)).includes(text));
    },
  };
}

/**
 * Drops what runs made on a server, which outlives the home folder. What the embedded backend or a recording driver
 * made is in `files`, and goes with them.
 */
async function deleteCollections(files: string): Promise<void> {
  const ns = await defaultInstance();
  const kept = existsSync(files) ? readdirSync(files).flatMap((file) => nameOfFile(file) ?? []) : [];
  for (const name of await ns.listDatasets()) {
    const dataset = await ns.loadDataset(name);
    for (const key of await dataset.listBrainRuns()) {
      const index = await dataset.loadBrainResults(key);
      if (!kept.includes(index.config.collectionName)) await index.delete({ force: true });
    }
  }
}
