/** What servers and their collections tell of themselves, in one line. */

import type { BackendFacts } from "../../backends/backend.ts";
import { type Outcome, ok } from "./report.ts";

/** The facts in words: `version 2.3.5, limits: k 16384, dimension 32768`. */
export async function checkFacts(found: Promise<BackendFacts>, subject?: string): Promise<Outcome> {
  const words = Object.entries(await found).flatMap(([name, value]) => {
    if (value === null) return [];
    if (typeof value !== "object") return [`${name} ${value}`];
    const parts = Object.entries(value).map(([part, limit]) => `${part} ${limit}`);
    return parts.length === 0 ? [] : [`${name}: ${parts.join(", ")}`];
  });
  return ok(`${subject === undefined ? "" : `${subject}: `}${words.join(", ")}`);
}
