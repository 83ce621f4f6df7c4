/** What the environment says to the servers; nothing else in this folder reads it. */

import { NearsightError } from "../core/index.ts";

export interface Settings {
  /** Port of the development server. Default 8787; 0 for any free one. */
  readonly port: number;
}

const DEFAULT_PORT = 8787;

/** CONFIG_INVALID */
export function settings(environment: Readonly<Record<string, string | undefined>> = process.env): Settings {
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
