/** Ids: 24 hexadecimal characters, as MongoDB ObjectIds, random or derived from a key. */

import { createHash, randomBytes } from "node:crypto";

const ID_PATTERN = /^[0-9a-f]{24}$/;
const PROCESS_PART = randomBytes(5).toString("hex");
let counter = randomBytes(3).readUIntBE(0, 3);

/** A new id: 4 bytes of time in seconds, 5 random bytes per process, 3 bytes of counter. */
export function newId(now: number = Date.now()): string {
  counter = (counter + 1) & 0xffffff;
  const seconds = Math.floor(now / 1000) >>> 0;
  return seconds.toString(16).padStart(8, "0") + PROCESS_PART + counter.toString(16).padStart(6, "0");
}

/** The id of the sample that stands for `uri` in a data set: the same for every event about that key. */
export function derivedId(datasetId: string, uri: string): string {
  return createHash("sha256").update(datasetId).update("\0").update(uri).digest("hex").slice(0, 24);
}

/** True for 24 lower-case hexadecimal characters. */
export function isId(value: unknown): value is string {
  return typeof value === "string" && ID_PATTERN.test(value);
}
