/** The embedding cache's file: its size, its order of forgetting, several processes, and a disk that is full. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type OpenEmbeddingCache, openEmbeddingCache } from "../../../core/store/embedding-cache.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { keyNumber, vectorNumber } from "./cache-data.ts";

const SCRIPT = fileURLToPath(new URL("./cache-process.ts", import.meta.url));
const ROOMY = 2 ** 30;

let folder: string;
let warnings: string[];
let opened: OpenEmbeddingCache[];

beforeEach(() => {
  folder = temporaryFolder();
  warnings = [];
  opened = [];
});

afterEach(async () => {
  for (const cache of opened) await cache.close();
});

function openCache(maxBytes = ROOMY): OpenEmbeddingCache {
  const cache = openEmbeddingCache({ folder, maxBytes, warn: (message) => warnings.push(message) });
  opened.push(cache);
  return cache;
}

const entries = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ key: keyNumber(first + i), vector: vectorNumber(first + i) }));

async function known(cache: OpenEmbeddingCache, first: number, count: number): Promise<number[]> {
  const found = await Promise.all(entries(first, count).map(({ key }) => cache.get(key)));
  return found.flatMap((vector, i) => (vector === null ? [] : [first + i]));
}

/** What a process of its own says; `prelude` is shell that runs before it. */
async function inProcess(
  prelude: string,
  ...values: (string | number)[]
): Promise<{ found: number; warnings: string[] }> {
  const words = [process.execPath, SCRIPT, folder, ...values.map(String)];
  const child = spawn("bash", ["-c", `${prelude} exec "$@"`, "bash", ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (text) => {
    output += text;
  });
  const [code] = await once(child, "close");
  expect(code).toBe(0);
  return JSON.parse(output);
}

describe("vectors", () => {
  it("come back as they were put, also after the file was closed", async () => {
    const vector = Float32Array.from([1.5, -0, 3e-40, 1 / 3]);
    const part = new Float32Array([9, ...vector, 9]).subarray(1, 5);
    const cache = openCache();
    await cache.put([{ key: keyNumber(1), vector: part }]);
    expect(await cache.get(keyNumber(1))).toEqual(vector);
    expect(await cache.get(keyNumber(2))).toBeNull();
    await cache.close();
    expect(await cache.get(keyNumber(1))).toBeNull();
    expect(await openCache().get(keyNumber(1))).toEqual(vector);
    expect(warnings).toEqual([]);
  });

  it("are found by many look-ups at the same time", async () => {
    const cache = openCache();
    await cache.put(entries(0, 700));
    const found = await Promise.all(entries(0, 700).map(({ key }) => cache.get(key)));
    expect(found.map((vector) => vector?.[0])).toEqual(entries(0, 700).map((_, i) => i));
  });
});

describe("the size", () => {
  it("stays within its limit, and the oldest vectors go first", async () => {
    const maxBytes = 2 ** 21;
    const cache = openCache(maxBytes);
    for (let i = 0; i < 3_000; i += 100) await cache.put(entries(i, 100));
    expect(statSync(join(folder, "embeddings.db")).size).toBeLessThan(1.1 * maxBytes);
    const kept = await known(cache, 0, 3_000);
    expect(kept.length).toBeGreaterThan(600);
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => 3_000 - kept.length + i));
  });

  it("spares vectors that were used since", async () => {
    const maxBytes = 2 ** 21;
    const cache = openCache(maxBytes);
    await cache.put(entries(0, 200));
    const database = new DatabaseSync(join(folder, "embeddings.db"));
    database.exec("UPDATE embeddings SET used = used - 3");
    database.close();
    await known(cache, 0, 10);
    await cache.put(entries(200, 660));
    const kept = await known(cache, 0, 60);
    expect(kept.slice(0, 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(kept).not.toContain(10);
  });

  it("comes down to a limit that was lowered", async () => {
    const cache = openCache();
    await cache.put(entries(0, 2_000));
    await cache.close();
    const smaller = openCache(2 ** 20);
    expect((await known(smaller, 0, 2_000)).length).toBeGreaterThan(200);
    await smaller.close();
    expect(statSync(join(folder, "embeddings.db")).size).toBeLessThan(2 ** 20);
  });

  it("of a single byte keeps nothing and harms nothing", async () => {
    const cache = openCache(1);
    await cache.put(entries(0, 20));
    expect(await known(cache, 0, 20)).toEqual([]);
    expect(warnings).toEqual([]);
  });
});

describe("several processes", () => {
  it("fill one file at the same time and lose nothing", async () => {
    const cache = openCache();
    const told = await Promise.all([inProcess("", 0, 400), inProcess("", 200, 400), inProcess("", 600, 400)]);
    expect(told).toEqual([0, 200, 600].map((found) => ({ found, warnings: [] })));
    expect(await known(cache, 0, 1_000)).toHaveLength(1_000);
  });

  it("go on, warned once, when the disk takes no more", async () => {
    // A file of more than 400 KB is refused by the system, as on a full disk.
    const told = await inProcess('trap "" XFSZ; ulimit -f 400;', 0, 4_000);
    expect(told.warnings).toEqual([expect.stringContaining("Embeddings are computed without their cache")]);
    expect(told.found).toBeNull();
  });
});
