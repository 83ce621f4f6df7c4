/** Ids of selections, read once and kept for the next search within the same selection. */

import { throwIfAborted } from "../../errors.ts";
import type { Selection } from "../backend.ts";

/** Ids of all kept selections together: some 100 bytes each. */
const MOST_KEPT = 1_000_000;

/** The selections a collection was searched within last. */
export class SelectedIds {
  readonly #kept = new Map<string, ReadonlySet<string>>();
  readonly #most: number;
  #count = 0;

  /** Keeps at most so many ids, of all selections together. */
  constructor(most = MOST_KEPT) {
    this.#most = most;
  }

  /** All ids of a selection, each once, in its order. */
  async of(selection: Selection, signal?: AbortSignal): Promise<ReadonlySet<string>> {
    const known = this.#kept.get(selection.key);
    if (known !== undefined) {
      this.#kept.delete(selection.key);
      this.#kept.set(selection.key, known);
      return known;
    }
    const ids = new Set<string>();
    for await (const page of selection.ids()) {
      throwIfAborted(signal);
      for (const id of page) ids.add(id);
    }
    this.#keep(selection.key, ids);
    return ids;
  }

  #keep(key: string, ids: ReadonlySet<string>): void {
    if (this.#kept.has(key) || ids.size > this.#most) return;
    this.#kept.set(key, ids);
    this.#count += ids.size;
    for (const [oldest, dropped] of this.#kept) {
      if (this.#count <= this.#most) break;
      this.#kept.delete(oldest);
      this.#count -= dropped.size;
    }
  }
}
