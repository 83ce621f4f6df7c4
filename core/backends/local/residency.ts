/** Which collections are in memory, and how: the ones used last, as many as a limit allows. */

import { isBinaryMetric } from "../metric.ts";
import { MOST_THREADS } from "./codes.ts";
import type { IndexFile } from "./file.ts";
import { type Header, rowBytes } from "./header.ts";
import { type Kernel, loadKernel } from "./kernel/kernel.ts";
import { Resident } from "./resident.ts";
import { Helpers } from "./threads.ts";

export interface ResidencySetup {
  readonly simd: boolean;
  /** Bytes that all collections in memory may take together. */
  readonly memoryLimit: number;
  /** Threads a search may use. */
  readonly threads: number;
}

/** An entry's id and sample id, and what the engine needs to find them. */
const BYTES_OF_ENTRY = 200;
/** A code is a byte for each number, and 40 for each row. */
const BYTES_OF_CODE_FACTORS = 40;
/** Collections smaller than this are searched by one thread. */
const WORTH_HELPERS_BYTES = 16 << 20;
/** Between calls, codes are made for so long at a time. */
const SLICE_MS = 4;

/** The collections in memory of one engine, by name. */
export class Residency {
  readonly #setup: ResidencySetup;
  /** In the order of their last use. */
  readonly #held = new Map<string, Resident>();
  #kernel: Kernel | undefined;
  #helpers: Helpers | undefined;
  #encoding = false;

  constructor(setup: ResidencySetup) {
    this.#setup = setup;
  }

  get helpers(): Helpers | undefined {
    return this.#helpers;
  }

  /** The collection as it is in memory; it may be behind its file. */
  peek(name: string): Resident | undefined {
    return this.#held.get(name);
  }

  /** The collection brought up to date. Runs inside the file's `read`. */
  current(name: string, file: IndexFile, header: Header): Resident {
    this.#kernel ??= loadKernel(this.#setup.simd ? "shared" : "scalar");
    const inFile = this.#makeRoom(name, header);
    let resident = this.#held.get(name);
    if (resident !== undefined && inFile !== (resident.fileRows !== undefined)) {
      this.forget(name);
      resident = undefined;
    }
    resident ??= new Resident(this.#kernel, header, inFile);
    this.#held.delete(name);
    try {
      resident.refresh(file, header);
    } catch (error) {
      this.#release(resident); // it may be half loaded
      throw error;
    }
    this.#held.set(name, resident);
    this.#startHelpers(header);
    this.#encodeSoon();
    return resident;
  }

  forget(name: string): void {
    const resident = this.#held.get(name);
    this.#held.delete(name);
    if (resident !== undefined) this.#release(resident);
  }

  close(): void {
    this.#held.clear();
    this.#helpers?.close();
  }

  /** Lets go of others until this one fits; true if it does not even then, so that its rows stay in the file. */
  #makeRoom(name: string, header: Header): boolean {
    const { memoryLimit } = this.#setup;
    const whole = wholeBytes(header);
    const tooLarge = whole > memoryLimit && !isBinaryMetric(header.metric) && this.#kernel?.kind !== "scalar";
    let free = memoryLimit - (tooLarge ? codeBytes(header) : whole);
    for (const [other, resident] of this.#held) if (other !== name) free -= resident.bytes;
    for (const [other, resident] of this.#held) {
      if (free >= 0) break;
      if (other === name) continue;
      free += resident.bytes;
      this.forget(other);
    }
    return tooLarge;
  }

  #release({ segments, codes }: Resident): void {
    this.#helpers?.forget([...segments.map(({ memory }) => memory), ...(codes?.memories ?? [])]);
  }

  #startHelpers(header: Header): void {
    const count = Math.min(this.#setup.threads, MOST_THREADS) - 1;
    const small = header.slots * rowBytes(header) < WORTH_HELPERS_BYTES;
    if (count < 1 || small || this.#kernel?.kind !== "shared" || this.#helpers !== undefined) return;
    this.#helpers = new Helpers();
    this.#helpers.start(count);
  }

  // The first search need not wait for codes; between calls they are made bit by bit.
  #encodeSoon(): void {
    const next = [...this.#held.values()].find(({ codes, encoded }) => codes !== undefined && !encoded);
    if (next === undefined || this.#encoding) return;
    this.#encoding = true;
    setImmediate(() => {
      this.#encoding = false;
      next.encodeMore(SLICE_MS);
      this.#encodeSoon();
    });
  }
}

function wholeBytes(header: Header): number {
  return header.slots * rowBytes(header) + codeBytes(header);
}

function codeBytes(header: Header): number {
  const codes = isBinaryMetric(header.metric) ? 0 : header.dimension + BYTES_OF_CODE_FACTORS;
  return header.slots * (codes + BYTES_OF_ENTRY);
}
