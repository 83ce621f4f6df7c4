/** Many ids as one string, for the way between threads. */

import type { Columns } from "../backend.ts";
import type { PackedEntries, PackedHits, PackedStrings } from "./protocol.ts";
import type { Hits } from "./rank.ts";

/** What names the entry in each slot. */
interface Names {
  readonly ids: readonly (string | null)[];
  readonly sampleIds: readonly string[];
}

export function packEntries(names: Names, slots: ArrayLike<number>): PackedEntries {
  const ids = new Array<string>(slots.length);
  const sampleIds = new Array<string>(slots.length);
  let same = true;
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i] as number;
    ids[i] = names.ids[slot] ?? "";
    sampleIds[i] = names.sampleIds[slot] ?? "";
    same &&= ids[i] === sampleIds[i];
  }
  return { ids: packStrings(ids), sampleIds: same ? undefined : packStrings(sampleIds) };
}

export function packHits(names: Names, { slots, distances }: Hits): PackedHits {
  return { entries: packEntries(names, slots), distances };
}

export function unpackEntries({ ids, sampleIds }: PackedEntries): {
  readonly ids: readonly string[];
  readonly sampleIds: readonly string[];
} {
  const unpacked = unpackStrings(ids);
  return { ids: unpacked, sampleIds: sampleIds === undefined ? unpacked : unpackStrings(sampleIds) };
}

export function unpackHits({ entries, distances }: PackedHits): Columns {
  return { ...unpackEntries(entries), distances };
}

function packStrings(strings: readonly string[]): PackedStrings {
  const ends = new Uint32Array(strings.length);
  let end = 0;
  for (let i = 0; i < strings.length; i++) {
    end += (strings[i] as string).length;
    ends[i] = end;
  }
  return { text: strings.join(""), ends };
}

function unpackStrings({ text, ends }: PackedStrings): string[] {
  const strings = new Array<string>(ends.length);
  let start = 0;
  for (let i = 0; i < ends.length; i++) {
    const end = ends[i] as number;
    strings[i] = text.slice(start, end);
    start = end;
  }
  return strings;
}
