/** Selections as the slots they name, kept for the next search with the same one. */

import type { IndexFile } from "./file.ts";
import type { Resident } from "./resident.ts";
import type { Allowed } from "./search.ts";

/** Selections remembered for a collection. */
const REMEMBERED = 8;
/** Up to this share of the entries, ids are looked up one by one, and their vectors compared one by one. */
const FEW = 1 / 16;

interface Remembered {
  readonly ids: readonly string[];
  version: number;
  allowed: Allowed;
}

/** The selections last used on one collection. */
export class Selections {
  readonly #kept = new Map<string, Remembered>();

  /** Remembers the ids of a selection, forgetting the one unused for longest. */
  put(key: string, ids: readonly string[]): void {
    this.#kept.delete(key);
    const oldest = this.#kept.keys().next();
    if (this.#kept.size >= REMEMBERED && !oldest.done) this.#kept.delete(oldest.value);
    this.#kept.set(key, { ids, version: -1, allowed: { mask: undefined, count: 0 } });
  }

  /** The slots of a remembered selection as of now, or undefined. Runs inside the file's `read`. */
  get(key: string, file: IndexFile, resident: Resident): Allowed | undefined {
    const selection = this.#kept.get(key);
    if (selection === undefined) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, selection);
    if (selection.version !== resident.version) {
      selection.allowed = resolve(selection.ids, file, resident);
      selection.version = resident.version;
    }
    return selection.allowed;
  }
}

function resolve(ids: readonly string[], file: IndexFile, resident: Resident): Allowed {
  const wanted = new Set(ids);
  const slots: number[] = [];
  if (wanted.size <= resident.size * FEW) {
    for (const id of wanted) {
      const slot = file.slotOf(id);
      if (slot !== undefined) slots.push(slot);
    }
    return { mask: undefined, count: slots.length, slots: Uint32Array.from(slots).sort() };
  }
  // Shared, so that search threads need no copy.
  const mask = new Uint8Array(new SharedArrayBuffer(resident.slots));
  let count = 0;
  resident.ids.forEach((id, slot) => {
    if (id === null || !wanted.has(id)) return;
    mask[slot] = 1;
    count++;
  });
  return { mask, count };
}
