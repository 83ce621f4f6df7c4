/** Several processes use one home at the same time: nothing is lost, nothing is doubled, everyone sees changes. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import type { Dataset } from "../../core/dataset/dataset.ts";
import { commandLine } from "../support/command-line.ts";
import { drawPictures, expectInStep, expectSoundFiles } from "../support/crash-checks.ts";
import { type ChildEnd, rounds, runProgram } from "../support/crash-run.ts";
import { openHome } from "../support/crash-tasks.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { randomVectors } from "../support/vectors.ts";

vi.setConfig({ testTimeout: 300_000 });

const TRAFFIC = fileURLToPath(new URL("../support/crash-traffic.ts", import.meta.url));

/** A home whose data set `shared` has 40 samples with vectors, and an index of them. */
async function sharedHome(): Promise<string> {
  const home = temporaryFolder();
  const ns = await openHome(home);
  const dataset = await ns.createDataset("shared");
  const vectors = Array.from({ length: 40 }, (_, number) => randomVectors(1, 8, number + 1).row(0));
  await dataset.addSamples(vectors.map((vector, number) => ({ filepath: `${number}.png`, number, vector })));
  await ns.computeSimilarity(dataset, { embeddings: "vector", brainKey: "shared" });
  await ns.close();
  return home;
}

test("one process writes while two read: every answer agrees with itself, and nothing acknowledged is lost", async () => {
  const home = await sharedHome();
  const readers: Promise<ChildEnd>[] = [];
  const reading: Promise<void>[] = [];
  for (let i = 0; i < 2; i++) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const line = (text: string) => text === "reading" && resolve();
    readers.push(runProgram("traffic", ["read", home], { line }));
    reading.push(promise);
  }
  // A reader that failed before it read anything tells why, instead of being waited for.
  await Promise.race([Promise.all(reading), Promise.any(readers)]);
  const writer = await runProgram("traffic", ["write", home, String(rounds(10_000, 60_000))]);
  expect(writer).toMatchObject({ code: 0, errors: "" });

  const ns = await openHome(home);
  const dataset = await ns.loadDataset("shared");
  const wanted = new Set(((await dataset.limit(40).values("id")) as string[]).slice(0, 40));
  for (const line of readFileSync(join(home, "acknowledged.log"), "utf8").trim().split("\n")) {
    const { added = [], deleted = [] } = JSON.parse(line) as { added?: string[]; deleted?: string[] };
    for (const id of added) wanted.add(id);
    for (const id of deleted) wanted.delete(id);
  }
  expect(new Set((await dataset.values("id")) as string[])).toEqual(wanted);
  expect(await dataset.count()).toBe(wanted.size);
  await expectInStep(dataset, await dataset.loadBrainResults("shared"), wanted.size);
  for (const reader of await Promise.all(readers)) {
    expect(reader).toMatchObject({ code: 0, errors: "" });
    const seen = JSON.parse(reader.output.split("\n").at(-1) ?? "");
    expect(seen).toMatchObject({ samples: wanted.size, entries: wanted.size });
    expect(seen.sizes).toBeGreaterThan(1);
  }
  await ns.close();
  expectSoundFiles(home, 1);
});

test.each(Array.from({ length: rounds(4, 25) }, (_, round) => round))(
  "four processes open a home that was never opened, round %i",
  async () => {
    const home = temporaryFolder();
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ["--unhandled-rejections=strict", TRAFFIC, "open", home]),
    );
    const outputs = children.map(() => "");
    children.forEach((child, i) => {
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (text) => (outputs[i] += String(text)));
    });
    await Promise.all(children.map((child) => once(child.stdout, "data")));
    for (const child of children) child.stdin.end("go");
    await Promise.all(children.map((child) => once(child, "close")));
    expect(outputs).toEqual(Array(4).fill("ready\n0\n"));
  },
);

test("a notebook's process and the command line work on one home at once", async () => {
  const home = temporaryFolder();
  const pictures = temporaryFolder();
  await drawPictures(pictures, 12);
  const kernel = await openHome(home);
  const dataset: Dataset = await kernel.createDataset("kernel");
  const cli = commandLine(home);
  const indexing = cli.run("index", pictures, "--name", "command", "--brain-key", "cli");
  const ids = await dataset.addSamples((await drawPictures(home, 6)).map((filepath) => ({ filepath })));
  const index = await kernel.computeSimilarity(dataset, { model: "colours", brainKey: "images" });
  expect(await indexing).toMatchObject({ code: 0 });
  expect((await kernel.listDatasets()).sort()).toEqual(["command", "kernel"]);
  const theirs = await kernel.loadDataset("command");
  await expectInStep(theirs, await theirs.loadBrainResults("cli"), 12);
  const [removed] = await Promise.all([
    cli.run("datasets", "delete", "command", "--cleanup"),
    index.totalIndexSize(),
  ]);
  expect(removed).toMatchObject({ code: 0 });
  expect(await kernel.listDatasets()).toEqual(["kernel"]);
  expect(new Set(await dataset.values("id"))).toEqual(new Set(ids));
  await expectInStep(dataset, index, 6);
  await kernel.close();
});
