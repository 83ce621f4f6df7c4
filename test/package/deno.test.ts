/** The packed package in Deno, as its notebooks use it: types, then indexing and a search. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { command, install } from "../support/packed.ts";
import { temporaryFolder } from "../support/temporary.ts";

const PROGRAM = `
import { open } from "nearsight";

const ns = await open();
const dataset = await ns.loadZooDataset("quickstart", { maxSamples: 20 });
await ns.computeSimilarity(dataset, { brainKey: "images" });
const hits = await dataset.sortBySimilarity({ prompt: "a dog" }, { k: 3, brainKey: "images" }).hits();
console.log(JSON.stringify(hits.map((hit) => hit.rank)));
await ns.close();
`;

test("checks, indexes and searches", { timeout: 600_000 }, async () => {
  const folder = temporaryFolder();
  const user = join(folder, "user");
  const deno = join(folder, "deno");
  await install(user, [inject("tarball").path]);
  await install(deno, ["deno@2"]);
  writeFileSync(join(user, "program.ts"), PROGRAM);
  const environment = { HOME: folder, NEARSIGHT_HOME: join(folder, "home"), DENO_DIR: join(folder, "cache") };
  const words = ["run", "--check", "--allow-all", "program.ts"];
  const { stdout } = await command(join(deno, "node_modules/.bin/deno"), words, { cwd: user, environment });
  expect(JSON.parse(stdout)).toEqual([1, 2, 3]);
});
