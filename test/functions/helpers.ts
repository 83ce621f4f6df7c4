/** The whole API over an installation of its own, called as a client would. */

import type { OpenOptions } from "../../core/index.ts";
import { type AppOptions, createApp } from "../../functions/app.ts";
import { byApiKey, createApiKey } from "../../functions/auth/api-keys.ts";
import type { Scope } from "../../functions/auth/caller.ts";
import { Builds } from "../../functions/builds.ts";
import { temporaryNearsight } from "../support/temporary.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of any route.
  readonly body: any;
}

/** An application with a key for each scope, whose callers may name the models given. */
export async function temporaryApi(options: OpenOptions = {}, more: Partial<AppOptions> = {}) {
  const nearsight = await temporaryNearsight(options);
  const keys = {
    read: createApiKey("r", "read"),
    write: createApiKey("w", "write"),
    manage: createApiKey("m", "manage"),
  };
  const app = createApp({
    nearsight,
    builds: new Builds(),
    authenticate: byApiKey(Object.values(keys).map(({ record }) => record)),
    allow: { models: Object.keys(options.models ?? {}) },
    ...more,
  });

  async function call(
    method: string,
    path: string,
    {
      body,
      scope = "manage",
      key = scope === null ? undefined : keys[scope].key,
    }: { body?: unknown; scope?: Scope | null; key?: string | undefined } = {},
  ): Promise<Answer> {
    const response = await app.request(path, {
      method,
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === "" ? null : JSON.parse(text),
    };
  }

  return { nearsight, app, keys, call };
}
