/** Several processes on one store: nothing is lost, nothing is mixed, a killed writer leaves whole chunks. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { EVERYTHING, newRun, newSample, useStore } from "./helpers.ts";

const files = useStore();
const SCRIPT = fileURLToPath(new URL("./writer-process.ts", import.meta.url));

function start(...args: string[]): { child: ChildProcess; lines: AsyncIterable<string> } {
  const child = spawn(process.execPath, [SCRIPT, files.place, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.stdout === null) throw new Error("no output to read");
  return { child, lines: createInterface({ input: child.stdout }) };
}

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const seen: string[] = [];
  for await (const line of lines) seen.push(line);
  return seen;
}

async function finished({ child, lines }: ReturnType<typeof start>): Promise<string[]> {
  const [seen, [code]] = await Promise.all([all(lines), once(child, "exit")]);
  expect(code).toBe(0);
  return seen;
}

test("processes that add samples at the same time lose none and keep their chunks whole", async () => {
  const { id } = await files.store.datasets.create("crowded");
  // Read from the start: lines that nobody waits for yet are lost.
  const writers = Promise.all([0, 1].map(() => finished(start("crowded", "add", "twenty"))));
  const mine = Array.from({ length: 20 }, () => newSample());
  for (const sample of mine) await files.store.samples.add(id, [sample]);
  const told = (await writers).flat().flatMap((line) => line.split(","));
  const rows = (await files.store.samples.ids(id, [], EVERYTHING)).map((row) => row.id);
  expect(rows).toHaveLength(2_020);
  expect(new Set(rows)).toEqual(new Set([...told, ...mine.map((sample) => sample.id)]));
  const owners = await files.store.samples.values(
    id,
    [{ stage: "match", filter: { op: "exists", field: "chunk" } }],
    "tags",
    EVERYTHING,
  );
  for (let start = 0; start < owners.length; start += 50) {
    expect(new Set(owners.slice(start, start + 50).map(String)).size).toBe(1);
  }
});

test("a killed writer leaves every chunk it was told was kept, and no part of another", async () => {
  const { id } = await files.store.datasets.create("killed");
  const { child, lines } = start("killed", "add");
  const told: string[] = [];
  for await (const line of lines) {
    told.push(...line.split(","));
    if (told.length === 500) child.kill("SIGKILL");
  }
  const rows = (await files.store.samples.ids(id, [], EVERYTHING)).map((row) => row.id);
  expect(rows.slice(0, told.length)).toEqual(told);
  expect(rows.length % 50).toBe(0);
  await files.store.samples.add(id, [newSample()]);
});

test("processes that want one lease get it one after the other, each with an epoch of its own", async () => {
  const { id } = await files.store.datasets.create("leased");
  const run = await files.store.runs.create(newRun({ datasetId: id }));
  const takers = [start("leased", "lease", run.id), start("leased", "lease", run.id)];
  const epochs = (await Promise.all(takers.map(finished))).flat().map(Number);
  expect(new Set(epochs).size).toBe(epochs.length);
  expect((await files.store.runs.byId(run.id))?.epoch).toBe(Math.max(...epochs));
  expect(epochs.length).toBe(Math.max(...epochs));
});
