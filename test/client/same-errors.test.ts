/** An error through `connect` is the one that an opened installation throws. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "../../client/index.ts";
import { type Dataset, F, type Nearsight, type NearsightError } from "../../core/index.ts";
import { type HttpServer, serveNearsight } from "../support/http-server.ts";
import { temporaryNearsight } from "../support/temporary.ts";

let server: HttpServer;
let doors: readonly Nearsight[];

beforeAll(async () => {
  const opened = await temporaryNearsight();
  const dataset = await opened.createDataset("numbers");
  await dataset.addSamples(
    [0, 1, 2].map((n) => ({ id: `s${n}`, filepath: `https://example.org/${n}.jpg`, n })),
  );
  const embeddings = [
    [1, 0],
    [0, 1],
    [1, 1],
  ];
  await dataset.computeSimilarity({ embeddings, brainKey: "images" });
  await dataset.computeSimilarity({ embeddings, brainKey: "others" });
  server = await serveNearsight(opened);
  doors = [opened, await connect(server.url, { apiKey: server.keys.manage })];
});
afterAll(() => server.close());

const near = (dataset: Dataset, query: object, brainKey = "images") =>
  dataset.sortBySimilarity(query as { id: string }, { brainKey }).hits();

test.each<[string, (dataset: Dataset, ns: Nearsight) => Promise<unknown>]>([
  ["DATASET_NOT_FOUND", (_, ns) => ns.loadDataset("none")],
  ["DATASET_EXISTS", (_, ns) => ns.createDataset("numbers")],
  ["ZOO_NAME_UNKNOWN", (_, ns) => ns.loadZooDataset("none")],
  ["MODEL_NOT_FOUND", (_, ns) => ns.loadZooModel("none")],
  ["FIELD_NOT_FOUND", (dataset) => dataset.match(F("none").gt(1)).count()],
  ["FIELD_TYPE_MISMATCH", (dataset) => dataset.setValues("n", { s0: "text" })],
  ["ID_NOT_FOUND", (dataset) => dataset.setValues("n", { none: 1 })],
  ["ID_NOT_FOUND", (dataset) => dataset.loadView("none")],
  ["ID_EXISTS", (dataset) => dataset.addSample({ filepath: "https://example.org/0.jpg", id: "s0" })],
  ["RUN_NOT_FOUND", (dataset) => dataset.getBrainInfo("none")],
  ["RUN_NOT_FOUND", (dataset) => near(dataset, { id: "s0" }, "none")],
  ["RUN_AMBIGUOUS", (dataset) => dataset.sortBySimilarity({ id: "s0" }).hits()],
  ["RUN_EXISTS", (dataset) => dataset.computeSimilarity({ embeddings: [[1], [2], [3]], brainKey: "images" })],
  ["RUN_EXISTS", (dataset) => dataset.renameBrainRun("images", "others")],
  ["ID_NOT_FOUND", (dataset) => near(dataset, { id: "none" })],
  ["DIMENSION_MISMATCH", (dataset) => near(dataset, { vector: [1, 2, 3] })],
  ["PROMPTS_UNSUPPORTED", (dataset) => near(dataset, { prompt: "a cat" })],
  ["INVALID_ARGUMENT", (dataset) => dataset.computeSimilarity({ embeddings: [[1]], brainKey: "short" })],
  ["BACKEND_NOT_SUPPORTED", (dataset) => dataset.computeSimilarity({ backend: "pinecone", brainKey: "new" })],
])("%s %#", async (code, call) => {
  const errors: object[] = [];
  for (const ns of doors) {
    const failure = call(await ns.loadDataset("numbers"), ns).then(() => null);
    errors.push(((await failure.catch((error: unknown) => error)) as NearsightError).toJSON());
  }
  const [opened, connected] = errors;
  expect(connected).toEqual(opened);
  expect(connected).toMatchObject({ code });
});
