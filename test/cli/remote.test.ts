/** The command line on a server: the same commands with an address and a key. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { commandLine, type Outcome } from "../support/command-line.ts";
import { type HttpServer, serveNearsight } from "../support/http-server.ts";
import { temporaryFolder, temporaryNearsight } from "../support/temporary.ts";

const home = temporaryFolder();
let server: HttpServer;

beforeAll(async () => {
  const nearsight = await temporaryNearsight();
  const dataset = await nearsight.loadZooDataset("emoji", { maxSamples: 30 });
  await dataset.computeSimilarity({ brainKey: "images" });
  server = await serveNearsight(nearsight);
}, 180_000);

afterAll(() => server.close());

/** The command with the server's address, and a key, in its environment. */
const cli = (key = server.keys.manage) =>
  commandLine(home, { NEARSIGHT_URL: server.url, NEARSIGHT_API_KEY: key });

test("lists data sets and runs, and searches, with address and key from the environment", async () => {
  const { datasets } = await cli().json<{ datasets: object[] }>(["datasets"]);
  expect(datasets).toEqual([{ name: "emoji", samples: 30, brainRuns: ["images"] }]);
  const { runs } = await cli().json<{ runs: object[] }>(["runs", "list", "emoji"]);
  expect(runs).toMatchObject([{ key: "images", state: "ready", config: { method: "local" } }]);
  const found = await cli().json<{ results: { filepath: string }[] }>([
    "search",
    "emoji",
    "--prompt",
    "a cat",
  ]);
  expect(found.results).toHaveLength(10);
});

test("takes address and key as options, which win", async () => {
  const words = [
    "--url",
    server.url,
    "--api-key",
    server.keys.read,
    "search",
    "emoji",
    "-k",
    "3",
    "--prompt",
    "a dog",
  ];
  const other = commandLine(home, { NEARSIGHT_URL: "http://127.0.0.1:9", NEARSIGHT_API_KEY: "wrong" });
  expect((await other.run(...words)).stdout).toMatch(/rank +distance +score/);
});

test("indexes, renames and deletes on the server", async () => {
  const words = ["index", "emoji", "--brain-key", "again"];
  expect(await cli().json(words)).toMatchObject({ did: "built", total: 30, failed: [] });
  expect(await cli().json(words)).toMatchObject({ did: "nothing", total: 30 });
  await cli().json(["runs", "rename", "emoji", "again", "renamed"]);
  expect(await cli().json(["runs", "delete", "emoji", "renamed", "--cleanup"])).toMatchObject({
    deleted: "renamed",
    collectionsLeft: [],
  });
});

test.each<[string, () => Promise<Outcome>, number, RegExp]>([
  ["a wrong key", () => cli("ns_wrong").run("datasets", "--debug"), 1, /Expected a valid API key/],
  [
    "a key that may only read",
    () => cli(server.keys.read).run("datasets", "delete", "emoji", "--debug"),
    1,
    /scope/,
  ],
  ["what only this machine has", () => cli().run("quickstart"), 1, /does not work through connect/],
  ["no such run", () => cli().run("runs", "info", "emoji", "none"), 3, /no brain run 'none'/],
  [
    "a server that is away",
    () =>
      commandLine(home, { NEARSIGHT_API_KEY: server.keys.read }).run(
        "--url",
        "http://127.0.0.1:9",
        "datasets",
        "--debug",
      ),
    1,
    /cannot be reached/,
  ],
])("%s is told with its exit code and without the key", async (_, run, code, message) => {
  const outcome = await run();
  expect(outcome.code).toBe(code);
  expect(outcome.stderr).toMatch(message);
  for (const key of ["ns_wrong", ...Object.values(server.keys)]) expect(outcome.stderr).not.toContain(key);
});
