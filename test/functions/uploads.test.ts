/** Uploads: by form, checked before they are kept, and registered as any sample is. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, test } from "vitest";
import { localUploads } from "../../functions/media/local-uploads.ts";
import { s3Uploads } from "../../functions/media/s3.ts";
import { encodePicture, noisePicture } from "../support/pictures.ts";
import { rawPng } from "../support/raw-pictures.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { temporaryApi } from "./helpers.ts";

const UPLOADS = "/datasets/pets/uploads";

let api: Awaited<ReturnType<typeof temporaryApi>>;
let folder: string;
let datasetId: string;
let picture: Buffer;

beforeAll(async () => {
  folder = temporaryFolder();
  picture = Buffer.from(await encodePicture(noisePicture(64, 48, 1), "png"));
  api = await temporaryApi(
    {},
    {
      ...{ allow: { media: [folder] }, uploads: localUploads(folder) },
      limits: { uploadBytes: 1_000_000, bodyBytes: 10_000 },
    },
  );
  datasetId = (await api.nearsight.createDataset("pets")).id;
});

interface Form {
  url: string;
  fields: Record<string, string>;
  filepath: string;
  expires: string;
}

async function formFor(body: object = {}): Promise<Form> {
  const asked = { type: "image/png", bytes: 100_000, ...body };
  return (await api.call("POST", UPLOADS, { body: asked, scope: "write" })).body;
}

/** Sends a form as a page would, with no key. */
async function send(
  { url, fields }: Form,
  file: Uint8Array,
  change: (form: FormData) => void = () => undefined,
) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  form.set("file", new File([Buffer.from(file)], "../../cat.png"));
  change(form);
  const response = await api.app.request(url, { method: "POST", body: form });
  const text = await response.text();
  return { status: response.status, code: text === "" ? null : JSON.parse(text).code };
}

const kept = () => readdirSync(join(folder, datasetId), { recursive: true });

describe("an upload", () => {
  test("is kept under a name that nobody chose, and registered and shown as any sample", async () => {
    const form = await formFor();
    expect(await send(form, picture)).toEqual({ status: 204, code: null });
    expect(readFileSync(form.filepath)).toEqual(picture);
    expect(form.filepath).toBe(join(folder, datasetId, form.fields["key"] ?? ""));
    const body = { samples: [{ filepath: form.filepath }] };
    const { ids } = (await api.call("POST", "/datasets/pets/samples", { body, scope: "write" })).body;
    const { links } = (await api.call("POST", "/datasets/pets/media", { body: { ids } })).body;
    expect(Buffer.from(await (await api.app.request(links[0].url)).arrayBuffer())).toEqual(picture);
  });

  test("is larger than other bodies may be", async () => {
    const large = Buffer.from(await encodePicture(noisePicture(200, 200, 2), "png"));
    expect(large.length).toBeGreaterThan(10_000);
    expect((await send(await formFor({ bytes: large.length }), large)).status).toBe(204);
  });

  test.each<[string, (form: Form) => Promise<unknown>, number, string]>([
    [
      "more bytes than its form says",
      (form) => send(form, Buffer.concat([picture, Buffer.alloc(100_000)])),
      413,
      "REQUEST_TOO_LARGE",
    ],
    ["more bytes than any may", (form) => send(form, Buffer.alloc(2_000_000)), 413, "REQUEST_TOO_LARGE"],
    ["another kind of file", (form) => send(form, Buffer.from("<svg/>")), 422, "MEDIA_INVALID"],
    ["nothing", (form) => send(form, Buffer.alloc(0)), 422, "MEDIA_INVALID"],
    [
      "gigabytes of pixels",
      (form) => send(form, rawPng(30_000, 30_000, Buffer.alloc(10))),
      413,
      "LIMIT_EXCEEDED",
    ],
    ["no header", (form) => send(form, picture.subarray(0, 12)), 422, "MEDIA_INVALID"],
    [
      "another type",
      (form) => send(form, picture, (data) => data.set("content-type", "image/jpeg")),
      400,
      "INVALID_ARGUMENT",
    ],
    [
      "another key",
      (form) => send(form, picture, (data) => data.set("key", "../../x.png")),
      400,
      "INVALID_ARGUMENT",
    ],
    ["no file", (form) => send(form, picture, (data) => data.delete("file")), 400, "INVALID_ARGUMENT"],
    [
      "text for a file",
      (form) => send(form, picture, (data) => data.set("file", "text")),
      400,
      "INVALID_ARGUMENT",
    ],
    ["a changed signature", (form) => send({ ...form, url: `${form.url}x` }, picture), 403, "LINK_INVALID"],
    [
      "a raised limit",
      (form) => send({ ...form, url: form.url.replace("bytes=1", "bytes=9") }, picture),
      403,
      "LINK_INVALID",
    ],
  ])("of %s is refused, and nothing is kept", async (_, upload, status, code) => {
    const before = kept();
    expect(await upload(await formFor())).toEqual({ status, code });
    expect(kept()).toEqual(before);
  });

  test("chooses no place, even with a key", async () => {
    const { key } = api.keys.write;
    for (const name of ["..%2F..%2Fx.png", "x.png", `${"a".repeat(32)}.html`, ".png"]) {
      const form = new FormData();
      form.set("key", decodeURIComponent(name));
      form.set("content-type", "image/png");
      form.set("file", new File([Buffer.from(picture)], "x.png"));
      const url = `${UPLOADS}/${name}?type=image/png&bytes=100000`;
      const response = await api.app.request(url, {
        method: "POST",
        body: form,
        headers: { "x-api-key": key },
      });
      expect({ name, status: response.status }).toEqual({ name, status: 422 });
    }
  });
});

describe("a form", () => {
  test.each([
    { type: "image/svg+xml" },
    { type: "text/html" },
    { bytes: 0 },
    { bytes: 1.5 },
    { expiresIn: 3_601 },
    { key: "../x" },
  ])("for %j is not given", async (body) => {
    const asked = { type: "image/png", bytes: 100, ...body };
    expect((await api.call("POST", UPLOADS, { body: asked })).status).toBe(400);
  });

  test("for more than the service takes, or for readers, is not given", async () => {
    const body = { type: "image/png", bytes: 1_000_001 };
    expect((await api.call("POST", UPLOADS, { body })).body).toMatchObject({
      ...{ code: "REQUEST_TOO_LARGE", details: { limit: 1_000_000 } },
    });
    expect((await api.call("POST", UPLOADS, { body: { ...body, bytes: 1 }, scope: "read" })).status).toBe(
      403,
    );
  });

  test("is not given by a service that takes no uploads", async () => {
    const none = await temporaryApi();
    await none.nearsight.createDataset("pets");
    const { body } = await none.call("POST", UPLOADS, { body: { type: "image/png", bytes: 1 } });
    expect(body).toMatchObject({ code: "NOT_ALLOWED" });
  });

  test("of a bucket holds its conditions, and no secret", async () => {
    const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "canary" };
    const client = new S3Client({ region: "eu-central-1", credentials });
    const place = s3Uploads(client, "s3://bucket/uploads/");
    const bucket = await temporaryApi({}, { uploads: place });
    const { id } = await bucket.nearsight.createDataset("pets");
    const asked = { type: "image/jpeg", bytes: 5_000, expiresIn: 60 };
    const form: Form = (await bucket.call("POST", UPLOADS, { body: asked })).body;
    expect(form.filepath).toMatch(new RegExp(`^s3://bucket/uploads/${id}/[0-9a-f]{32}\\.jpg$`));
    const { expiration, conditions } = JSON.parse(
      Buffer.from(form.fields["Policy"] ?? "", "base64").toString(),
    );
    const key = form.filepath.slice("s3://bucket/".length);
    expect(conditions).toEqual(
      expect.arrayContaining([
        ["content-length-range", 1, 5_000],
        ["eq", "$content-type", "image/jpeg"],
        { key },
        { bucket: "bucket" },
      ]),
    );
    expect(Date.parse(expiration) - Date.now()).toBeLessThanOrEqual(60_000);
    expect(JSON.stringify(form)).not.toContain("canary");
    const sent = await bucket.call("POST", `${UPLOADS}/x?type=image/jpeg&bytes=1`, { body: {} });
    expect(sent.status).toBe(400);
    expect(() => s3Uploads(client, "s3://bucket/uploads")).toThrowError(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });
});
