/** Pictures of samples: short-lived links to them, and the files themselves. */

import { z } from "@hono/zod-openapi";
import { NearsightError, thumbnail } from "../../../core/index.ts";
import { serveFile } from "../../media/serve-file.ts";
import { createRouter, datasetOf, datasetPath, json, type RequestContext, route } from "../../router.ts";

const MAX_LINKS = 1_000;
const MAX_SECONDS = 86_400;
const USUAL_SECONDS = 900;

/** Few sizes, so that they can be kept. */
const SIZES = [128, 256, 512, 1024] as const;

const links = route("read", {
  method: "post",
  path: "/datasets/{dataset}/media",
  operationId: "getMediaLinks",
  summary: "Links to the files of samples, which work for a while without a key",
  request: {
    params: datasetPath,
    body: json(
      z.strictObject({
        ids: z.array(z.string().min(1)).min(1).max(MAX_LINKS),
        expiresIn: z.number().int().min(1).max(MAX_SECONDS).default(USUAL_SECONDS).openapi({
          description: "Seconds.",
        }),
        size: z
          .literal(SIZES)
          .optional()
          .openapi({ description: "Longest side of a smaller copy, of files of the service itself." }),
      }),
      "Of which samples",
    ),
  },
  responses: {
    200: json(
      z.object({
        links: z.array(
          z.object({
            id: z.string(),
            url: z.string().nullable().openapi({
              description:
                "Below the address of the service, or absolute; null where the service may not read it.",
            }),
          }),
        ),
        expires: z.string().openapi({ description: "ISO 8601" }),
      }),
      "Links of the samples that are there, in the order asked",
    ),
  },
});

const size = z
  .enum(SIZES.map(String) as [string, ...string[]])
  .optional()
  .openapi({ description: "Longest side of a smaller copy." });

const file = route("read", {
  method: "get",
  path: "/datasets/{dataset}/samples/{id}/media",
  operationId: "getMedia",
  summary: "The file of a sample; ranges and conditions are answered",
  request: {
    params: datasetPath.extend({ id: z.string() }),
    query: z.strictObject({
      size,
      expires: z.string().optional().openapi({ description: "Of a link." }),
      signature: z.string().optional().openapi({ description: "Of a link." }),
    }),
  },
  responses: {
    200: { description: "The file", content: { "*/*": { schema: z.string() } } },
    206: { description: "The part that was asked for", content: { "*/*": { schema: z.string() } } },
    302: { description: "It is elsewhere" },
    304: { description: "The caller has it" },
    416: { description: "It has no such part" },
  },
});

export const media = createRouter()
  .openapi(links, async (c) => {
    const { ids, expiresIn, size } = c.req.valid("json");
    const { dataset: name } = c.req.valid("param");
    const dataset = await datasetOf(c, name);
    const samples = await dataset.select(ids, { ordered: true }).page(0, ids.length);
    const found: { id: string; url: string | null }[] = [];
    for (const { id, filepath } of samples) {
      const path = `/datasets/${encodeURIComponent(name)}/samples/${encodeURIComponent(id)}/media`;
      const parameters = size === undefined ? {} : { size: String(size) };
      const ownLink = () => c.get("urls").sign("GET", path, parameters, expiresIn).url;
      const isFile = (await c.get("allowed").media.file(filepath)) !== null;
      found.push({ id, url: isFile ? ownLink() : await addressOf(c, filepath, expiresIn) });
    }
    const expires = new Date(Date.now() + expiresIn * 1_000).toISOString();
    return c.json({ links: found, expires }, 200);
  })
  .openapi(file, async (c) => {
    const { dataset, id } = c.req.valid("param");
    const { size } = c.req.valid("query");
    const { filepath } = await (await datasetOf(c, dataset)).sample(id);
    const path = await c.get("allowed").media.file(filepath);
    if (path === null) {
      const elsewhere = await addressOf(c, filepath, USUAL_SECONDS);
      if (elsewhere === null || elsewhere.startsWith("data:")) throw notServed(id);
      return c.redirect(elsewhere, 302);
    }
    if (size === undefined) return (await serveFile(c, path)) as never;
    const { bytes } = await thumbnail(path, { size: Number(size) });
    const headers = { "content-type": "image/webp", "cross-origin-resource-policy": "cross-origin" };
    return c.body(Buffer.from(bytes), 200, { ...headers, "cache-control": "private, max-age=300" }) as never;
  });

/** An address that shows the medium by itself; null where there is none that callers may have. */
async function addressOf(
  context: RequestContext,
  filepath: string,
  expiresIn: number,
): Promise<string | null> {
  if (/^data:/i.test(filepath)) return filepath;
  if (!context.get("allowed").media.address(filepath)) return null;
  if (/^https:/i.test(filepath)) return filepath;
  return (await context.get("objects")?.presign(filepath, expiresIn)) ?? null;
}

function notServed(id: string): NearsightError {
  return new NearsightError({
    code: "NOT_ALLOWED",
    message: `The file of sample '${id}' lies below none of the service's media roots`,
    hint: "Have its folder added to the service's settings",
    details: { id },
  });
}
