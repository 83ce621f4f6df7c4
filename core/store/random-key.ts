/** Order at random but the same every time: integer arithmetic that any database does alike. */

import { sql } from "kysely";
import type { Sql } from "./json-sql.ts";

/** A prime, 2^31 - 1: products of two smaller numbers fit 64 bits. */
const PRIME = 2_147_483_647;

/** An integer below 2^31 for each start value, unlike for unlike seeds. */
export function randomKey(start: Sql<number>, seed: number): Sql<number> {
  const [a, b, c] = [multiplier(seed, 1), multiplier(seed, 2), multiplier(seed, 3)];
  const line = sql`((${start} % ${sql.lit(PRIME)} * ${sql.lit(a)} + ${sql.lit(b)}) % ${sql.lit(PRIME)})`;
  // A line alone would only rotate the order for another b; its cube bends it.
  return sql`((${line} * ${line} % ${sql.lit(PRIME)}) * ${line} % ${sql.lit(PRIME)} * ${sql.lit(c)} % ${sql.lit(PRIME)})`;
}

/** From 1 to PRIME - 1; an integer hash of the seed (the finalizer of MurmurHash3). */
function multiplier(seed: number, which: number): number {
  let hash = (Math.trunc(seed % 4_294_967_296) ^ Math.imul(which, 0x9e3779b9)) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash = (hash ^ (hash >>> 16)) >>> 0;
  return 1 + (hash % (PRIME - 1));
}
