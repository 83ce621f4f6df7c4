/** Uploads: forms that take one file for a while without a key, and the files sent with them. */

import { z } from "@hono/zod-openapi";
import { NearsightError } from "../../../core/index.ts";
import { PICTURE_TYPES } from "../../media/content-type.ts";
import { createRouter, datasetOf, datasetPath, json, route } from "../../router.ts";

const MAX_SECONDS = 3_600;

const typeSchema = z.enum(PICTURE_TYPES as [string, ...string[]]);

const prepare = route("write", {
  method: "post",
  path: "/datasets/{dataset}/uploads",
  operationId: "prepareUpload",
  summary: "A form that uploads one picture; register the sample with its filepath afterwards",
  request: {
    params: datasetPath,
    body: json(
      z.strictObject({
        type: typeSchema,
        bytes: z.number().int().min(1).openapi({ description: "At most so many." }),
        expiresIn: z.number().int().min(1).max(MAX_SECONDS).default(300),
      }),
      "What will be uploaded",
    ),
  },
  responses: {
    201: json(
      z.object({
        url: z.string().openapi({ description: "Below the address of the service, or absolute." }),
        fields: z.record(z.string(), z.string()),
        filepath: z.string(),
        expires: z.string(),
      }),
      "A multipart form to POST: its fields, then the file in the field named file",
    ),
  },
});

const receive = route("write", {
  method: "post",
  path: "/datasets/{dataset}/uploads/{key}",
  operationId: "upload",
  summary: "Where such a form is sent, if files are kept by the service itself",
  request: {
    params: datasetPath.extend({ key: z.string() }),
    query: z.strictObject({
      type: typeSchema,
      bytes: z.coerce.number().int().min(1),
      expires: z.string().optional(),
      signature: z.string().optional(),
    }),
    body: {
      required: true,
      content: {
        "multipart/form-data": {
          schema: z.object({
            key: z.string(),
            "content-type": z.string(),
            file: z.instanceof(File).openapi({ type: "string", format: "binary" }),
          }),
        },
      },
    },
  },
  responses: { 204: { description: "The file is kept" } },
});

export const uploads = createRouter()
  .openapi(prepare, async (c) => {
    const dataset = await datasetOf(c, c.req.valid("param").dataset);
    const { type, bytes, expiresIn } = c.req.valid("json");
    const { uploads: place, limits } = c.var;
    if (place === undefined) throw noUploads();
    assertSize(bytes, limits.uploadBytes);
    const { id, name } = dataset;
    return c.json(await place.prepare({ dataset: { id, name }, type, bytes, expiresIn }, c.get("urls")), 201);
  })
  .openapi(receive, async (c) => {
    const { dataset: name, key } = c.req.valid("param");
    const { type, bytes } = c.req.valid("query");
    const form = c.req.valid("form");
    const { uploads: place } = c.var;
    if (place?.receive === undefined) throw noUploads();
    if (form.key !== key || form["content-type"] !== type) throw otherFields();
    assertSize(form.file.size, bytes);
    const { id: datasetId } = await datasetOf(c, name);
    await place.receive({ datasetId, key, type, content: new Uint8Array(await form.file.arrayBuffer()) });
    return c.body(null, 204);
  });

function assertSize(size: number, limit: number): void {
  if (size <= limit) return;
  throw new NearsightError({
    code: "REQUEST_TOO_LARGE",
    message: `Expected a file of at most ${limit} bytes but found ${size}`,
    hint: "Upload a smaller file, or ask for a form that takes it",
    details: { limit, found: size },
  });
}

function otherFields(): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: "Expected the fields that the form came with but found others",
    hint: "Send `fields` as they were given, before the file",
  });
}

function noUploads(): NearsightError {
  return new NearsightError({
    code: "NOT_ALLOWED",
    message: "The service takes no uploads",
    hint: "Put the file below one of its media roots, or have an upload place set",
  });
}
