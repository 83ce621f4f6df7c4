/** What the environment says to the servers; nothing else in this folder reads it. */

import { z } from "@hono/zod-openapi";
import { NearsightError } from "../core/index.ts";
import type { FollowedSource } from "./events/reindex.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface Settings {
  /** Port of the development server. Default 8787; 0 for any free one. */
  readonly port: number;
}

const DEFAULT_PORT = 8787;

/** CONFIG_INVALID */
export function settings(environment: Environment = process.env): Settings {
  return { port: portOf(environment["PORT"]) };
}

function portOf(text: string | undefined): number {
  if (text === undefined || text === "") return DEFAULT_PORT;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new NearsightError({
    code: "CONFIG_INVALID",
    message: `Expected a port from 0 to 65535 in PORT but found ${JSON.stringify(text)}`,
    hint: "Correct PORT, or leave it out",
    details: { variable: "PORT" },
  });
}

const sourcesSchema = z.array(z.object({ address: z.string().min(1), dataset: z.string().min(1) }));

/** What data sets follow: `NEARSIGHT_SOURCES`, a JSON list of { "address", "dataset" }. CONFIG_INVALID */
export function followedSources(environment: Environment = process.env): FollowedSource[] {
  const text = environment["NEARSIGHT_SOURCES"] ?? "[]";
  try {
    return sourcesSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new NearsightError({
      code: "CONFIG_INVALID",
      message: `Expected a JSON list of { "address", "dataset" } in NEARSIGHT_SOURCES but found ${text.slice(0, 100)}`,
      hint: 'Set it to such as [{"address":"s3://photos/2026","dataset":"photos"}]',
      details: { variable: "NEARSIGHT_SOURCES" },
      cause,
    });
  }
}
