/** Ids: 24 hexadecimal characters, as MongoDB ObjectIds. */

import { createHash, randomBytes } from "node:crypto";

const PROCESS_PART = randomBytes(5).toString("hex");
let counter = randomBytes(3).readUIntBE(0, 3);

/** A new id: 4 bytes of time in seconds, 5 random bytes per process, 3 bytes of counter. */
export function newId(now: number = Date.now()): string {
  counter = (counter + 1) & 0xffffff;
  const seconds = Math.floor(now / 1000) >>> 0;
  return seconds.toString(16).padStart(8, "0") + PROCESS_PART + counter.toString(16).padStart(6, "0");
}

/** The id of the sample that a data set has for an address: the same from whoever makes it, so that two of them meet. */
export function idOfAddress(datasetId: string, uri: string): string {
  return createHash("sha256")
    .update(JSON.stringify([datasetId, uri]))
    .digest("hex")
    .slice(0, 24);
}
