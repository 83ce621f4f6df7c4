/** Which function answers which request, by `node tools/deploy/routes.ts`; the rest is for `manage`. */

export const ROUTES = {
  compute: [
    "POST /datasets/{dataset}/runs",
    "POST /datasets/{dataset}/runs/{brainKey}/resume",
    "POST /datasets/{dataset}/runs/{brainKey}/copy",
    "POST /datasets/{dataset}/runs/{brainKey}/cancel",
    "POST /datasets/{dataset}/embeddings",
    "POST /datasets/{dataset}/runs/{brainKey}/embeddings/compute",
    "POST /models/load",
    "POST /models/prompts",
    "POST /datasets/{dataset}/uploads",
    "POST /datasets/{dataset}/uploads/{key}",
  ],
  query: [
    "POST /datasets/{dataset}/rows",
    "POST /datasets/{dataset}/count",
    "POST /datasets/{dataset}/values",
    "POST /datasets/{dataset}/count-values",
    "POST /datasets/{dataset}/ids",
    "GET /datasets/{dataset}/samples/{id}",
    "POST /datasets/{dataset}/search",
    "POST /datasets/{dataset}/runs/{brainKey}/duplicates",
    "POST /datasets/{dataset}/runs/{brainKey}/unique",
    "POST /datasets/{dataset}/runs/{brainKey}/neighbors",
    "POST /datasets/{dataset}/media",
    "GET /datasets/{dataset}/samples/{id}/media",
  ],
} as const;
