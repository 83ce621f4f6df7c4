/** What callers may name: models, files of the server, and addresses on the web. */

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { mediaRoots } from "../../core/media/media-roots.ts";
import { webSource } from "../../core/media/web-source.ts";
import { colourModel } from "../support/colour-model.ts";
import { serveHttps } from "../support/https-server.ts";
import { encodePicture, noisePicture } from "../support/pictures.ts";
import { rawPng } from "../support/raw-pictures.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { temporaryApi } from "./helpers.ts";

type Api = Awaited<ReturnType<typeof temporaryApi>>;

const EMOJI = "/datasets/emoji";
const REFUSED = { code: "NOT_ALLOWED", status: 403, hint: expect.any(String) };

let api: Api;
let folder: string;
beforeAll(async () => {
  folder = temporaryFolder();
  mkdirSync(join(folder, "photos"));
  writeFileSync(join(folder, "photos/cat.png"), rawPng(2, 2));
  writeFileSync(join(folder, "secret.png"), rawPng(2, 2));
  symlinkSync(join(folder, "secret.png"), join(folder, "photos/link.png"));
  const media = [join(folder, "photos"), "https://images.example.org/public", "s3://bucket/photos/"];
  api = await temporaryApi({}, { allow: { models: ["clip-vit-base32-torch"], media } });
  const dataset = await api.nearsight.loadZooDataset("emoji", { maxSamples: 10 });
  await dataset.computeSimilarity({ brainKey: "images" });
});

describe("models", () => {
  test.each([
    ...[
      "dinov2-vits14-torch",
      "hub:someone/model",
      "/etc",
      ".",
      "../..",
      "core/models/nearsight-tiny",
      "no-such",
    ],
  ])("%s is refused before anything is looked at", async (model) => {
    const { body } = await api.call("POST", `${EMOJI}/runs`, { body: { brainKey: "x", model } });
    expect(body).toMatchObject({ ...REFUSED, details: { model } });
    expect((await api.call("GET", `${EMOJI}/runs/x`)).status).toBe(404);
  });

  test("the default model may be named", async () => {
    const body = {
      brainKey: "named",
      model: "nearsight-tiny",
      view: { stages: [{ stage: "limit", count: 1 }] },
    };
    expect((await api.call("POST", `${EMOJI}/runs`, { body })).status).toBe(202);
  });
});

describe("samples", () => {
  const add = (filepath: string) =>
    api.call("POST", `${EMOJI}/samples`, { body: { samples: [{ filepath }] } });

  test("below a root are registered", async () => {
    const cat = join(folder, "photos/cat.png");
    const uris = [
      cat,
      String(pathToFileURL(cat)),
      "https://images.example.org/public/a.jpg",
      "s3://bucket/photos/a",
    ];
    for (const uri of uris) expect({ uri, status: (await add(uri)).status }).toEqual({ uri, status: 201 });
  });

  test("elsewhere are refused, whether there is something or not", async () => {
    const secret = join(folder, "secret.png");
    const uris = [
      ...[
        secret,
        String(pathToFileURL(secret)),
        `${folder}/photos/../secret.png`,
        join(folder, "photos/link.png"),
      ],
      ...["/etc/passwd", "/no/such/file", "package.json", "http://169.254.169.254/latest/meta-data/"],
      ...["https://example.org/a.jpg", "https://images.example.org/public/../a.jpg", "s3://other/photos/a"],
    ];
    for (const uri of uris) expect({ uri, ...(await add(uri)).body }).toMatchObject({ uri, ...REFUSED });
  });

  test("none of a request is registered if one is refused", async () => {
    const before = (await api.call("POST", `${EMOJI}/count`, { body: {} })).body.count;
    const samples = [{ filepath: join(folder, "photos/cat.png") }, { filepath: "/etc/passwd" }];
    expect((await api.call("POST", `${EMOJI}/samples`, { body: { samples } })).body).toMatchObject(REFUSED);
    expect((await api.call("POST", `${EMOJI}/count`, { body: {} })).body.count).toBe(before);
  });
});

describe("images to search with", () => {
  const image = "https://example.org/cat.jpg";
  const stages = [{ stage: "sortBySimilarity", query: { combine: [{ not: { image } }] } }];

  test.each([
    ["search", { query: { image } }],
    ["search", { query: { combine: [{ prompt: "a cat" }, { image, weight: 0.5 }] } }],
    ["search", { query: { prompt: "a cat" }, view: { stages } }],
    ["rows", { view: { stages } }],
    ["runs", { brainKey: "x", view: { stages } }],
    ["runs/images/duplicates", { fraction: 0.5, view: { stages } }],
  ])("at an address that is not on the list are refused by %s", async (route, body) => {
    expect((await api.call("POST", `${EMOJI}/${route}`, { body })).body).toMatchObject(REFUSED);
  });

  test("are not kept in a saved view either", async () => {
    expect((await api.call("PUT", `${EMOJI}/views/cats`, { body: { stages } })).body).toMatchObject(REFUSED);
  });

  test.each(["file:///etc/passwd", "/etc/passwd", "http://images.example.org/public/a.jpg"])(
    "%s is no image at all",
    async (path) => {
      const { body } = await api.call("POST", `${EMOJI}/search`, { body: { query: { image: path } } });
      expect(body.code).toBe("INVALID_ARGUMENT");
    },
  );
});

test("images at an allowed address are searched with and indexed as those in the body", async () => {
  const picture = await encodePicture(noisePicture(32, 32, 1), "png");
  const server = await serveHttps((_, response) => response.end(picture));
  const media = [server.origin];
  const mediaSources = [webSource({ roots: mediaRoots(media), ...server.reach })];
  const web = await temporaryApi({ models: { colours: colourModel() }, mediaSources }, { allow: { media } });
  const dataset = await web.nearsight.loadZooDataset("emoji", { maxSamples: 5 });
  const body = { samples: [{ filepath: `${server.origin}/new.png` }] };
  const { ids } = (await web.call("POST", `${EMOJI}/samples`, { body })).body;
  await dataset.computeSimilarity({ brainKey: "images", model: "colours" });
  const hitsOf = async (image: string) =>
    (await web.call("POST", `${EMOJI}/search`, { body: { query: { image } } })).body.hits;
  const found = await hitsOf(`${server.origin}/query.png`);
  expect(found[0].id).toBe(ids[0]);
  expect(found).toEqual(await hitsOf(`data:image/png;base64,${Buffer.from(picture).toString("base64")}`));
  server.close();
});

test("without settings no file of the server and no address may be named", async () => {
  const strict = await temporaryApi();
  await strict.nearsight.createDataset("pets");
  for (const filepath of [join(folder, "photos/cat.png"), "https://images.example.org/public/a.jpg", "."]) {
    const body = { samples: [{ filepath }] };
    expect((await strict.call("POST", "/datasets/pets/samples", { body })).body).toMatchObject(REFUSED);
  }
});
