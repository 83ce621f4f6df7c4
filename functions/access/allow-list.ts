/** What callers may make the service use: models by name, and media below the roots of its settings. */

import { DEFAULT_MODEL, type MediaRoots, mediaRoots, NearsightError } from "../../core/index.ts";

/** Names and places as settings have them. */
export interface AllowListOptions {
  /** Models that runs may be made with, by name, path or `hub:owner/name`. The default model always may. */
  readonly models?: readonly string[];
  /** Folders, `s3://bucket/prefix/` and `https://host/` that samples and queries may name. Default: none. */
  readonly media?: readonly string[];
}

export interface AllowList {
  readonly models: ReadonlySet<string>;
  readonly media: MediaRoots;
}

/** CONFIG_INVALID */
export function allowList({ models = [], media = [] }: AllowListOptions): AllowList {
  return { models: new Set([DEFAULT_MODEL, ...models]), media: mediaRoots(media) };
}

/** A name could as well be a folder of the server, or gigabytes to download. NOT_ALLOWED */
export function assertModel({ models }: AllowList, name: string | undefined): void {
  if (name === undefined || models.has(name)) return;
  const names = [...models].join(", ");
  throw notAllowed(`model '${name.slice(0, 100)}'`, `Use one of: ${names}`, { model: name.slice(0, 100) });
}

/** NOT_ALLOWED for files and addresses below none of the roots, whether there is something or not. */
export async function assertMedia({ media }: AllowList, uris: Iterable<string>): Promise<void> {
  for (const uri of uris) {
    if (await media.allows(uri)) continue;
    const shown = uri.slice(0, 200);
    const hint = "Use a place below the service's media roots, or upload the file";
    throw notAllowed(`media at '${shown}'`, hint, { uri: shown });
  }
}

function notAllowed(what: string, hint: string, details: Record<string, string>): NearsightError {
  return new NearsightError({
    code: "NOT_ALLOWED",
    message: `The service does not use ${what} for its callers`,
    hint,
    details,
  });
}
