/** Names of slots on the caller's side, so that long answers cross threads as numbers. */

import type { Columns } from "../backend.ts";
import { packEntries, packHits, unpackEntries, unpackHits } from "./packed.ts";
import type { KnownNames, NamesUpdate, SearchAnswer } from "./protocol.ts";
import type { Hits } from "./rank.ts";
import type { Resident } from "./resident.ts";

/** Slots whose names are sent as one text: the engine limits a text's length. */
const PART_SLOTS = 1 << 16;
/** Answers of at least this share of all slots are worth sending the names of all. */
const WORTH_NAMES = 1 / 8;

/** Hits as slots where the caller knows the names, or this is the time to send them; else with their names. */
export function answerOf(
  resident: Resident,
  hits: readonly Hits[],
  known: KnownNames | undefined,
): SearchAnswer {
  const { serial, version, slots } = resident;
  const same = known?.serial === serial;
  const count = hits.reduce((sum, found) => sum + found.slots.length, 0);
  if (!(same && known.version === version) && count < slots * WORTH_NAMES) {
    return { packed: hits.map((found) => packHits(resident, found)) };
  }
  return { hits, names: namesSince(resident, same ? known.version : 0) };
}

function namesSince(resident: Resident, since: number): NamesUpdate {
  const { serial, version } = resident;
  const parts: NamesUpdate["parts"][number][] = [];
  for (const { from, to } of resident.changedSince(since)) {
    for (let first = from; first < to; first += PART_SLOTS) {
      const slots = Uint32Array.from({ length: Math.min(PART_SLOTS, to - first) }, (_, i) => first + i);
      parts.push({ first, entries: packEntries(resident, slots) });
    }
  }
  return { serial, version, parts };
}

/** The names of a collection's slots as the worker last sent them. */
export class SlotNames {
  #known: KnownNames | undefined;
  #ids: string[] = [];
  /** Undefined while every entry is a sample. */
  #sampleIds: string[] | undefined;

  /** What to tell the worker, so that it sends only what changed since. */
  get known(): KnownNames | undefined {
    return this.#known;
  }

  /** Turns an answer into columns. Answers are to be read in the order in which they come. */
  read(answer: SearchAnswer): Columns[] {
    if ("packed" in answer) return answer.packed.map(unpackHits);
    this.#update(answer.names);
    return answer.hits.map((hits) => this.#columns(hits));
  }

  /** Lets go of all names. */
  clear(): void {
    this.#known = undefined;
    this.#ids = [];
    this.#sampleIds = undefined;
  }

  #update({ serial, version, parts }: NamesUpdate): void {
    if (this.#known?.serial !== serial) this.clear();
    for (const { first, entries } of parts) {
      const { ids, sampleIds } = unpackEntries(entries);
      put(this.#ids, first, ids);
      if (entries.sampleIds !== undefined) this.#sampleIds ??= this.#ids.slice();
      if (this.#sampleIds !== undefined) put(this.#sampleIds, first, sampleIds);
    }
    this.#known = { serial, version };
  }

  #columns({ slots, distances }: Hits): Columns {
    const ids = named(this.#ids, slots);
    const sampleIds = this.#sampleIds === undefined ? ids : named(this.#sampleIds, slots);
    return { ids, sampleIds, distances };
  }
}

function put(into: string[], first: number, names: readonly string[]): void {
  for (let i = 0; i < names.length; i++) into[first + i] = names[i] as string;
}

function named(names: readonly string[], slots: Uint32Array): string[] {
  const found = new Array<string>(slots.length);
  for (let i = 0; i < slots.length; i++) found[i] = names[slots[i] as number] as string;
  return found;
}
