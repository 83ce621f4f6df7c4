/** Reads a JSON file that is one object member by member, lists element by element: memory stays flat. */

import { createReadStream } from "node:fs";
import { wrapError } from "../../errors.ts";
import { invalidJson } from "./extended-json.ts";

/** A member of the object: its whole value, or one element of the list it holds. */
export interface JsonPart {
  readonly key: string;
  /** JSON text of the value or element. */
  readonly text: string;
  /** Position in the list, from 0; null for a whole value. */
  readonly position: number | null;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * The members of the object a file holds. Lists of lists stay whole. MEDIA_NOT_FOUND, MEDIA_INVALID.
 *
 * @example
 * for await (const { key, text } of jsonParts("samples.json")) if (key === "samples") JSON.parse(text);
 */
export async function* jsonParts(path: string): AsyncGenerator<JsonPart, void, undefined> {
  const splitter = new Splitter(path);
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) {
      yield* splitter.push(chunk as Buffer);
    }
  } catch (error) {
    throw wrapError(error, {
      code: "MEDIA_NOT_FOUND",
      message: `Expected a file to read at ${path}`,
      hint: "Check the path, and that the file may be read",
      details: { path },
    });
  }
  splitter.end();
}

/** Cuts JSON text at the commas of the outer object and of the lists right in it; bytes, as all signs are ASCII. */
class Splitter {
  readonly #path: string;
  #depth = 0;
  #inText = false;
  #escaped = false;
  #key = "";
  /** Position of the next element, or null outside of lists. */
  #position: number | null = null;
  #kept: Buffer[] = [];
  #ended = false;

  constructor(path: string) {
    this.#path = path;
  }

  *push(chunk: Buffer): Generator<JsonPart, void, undefined> {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (this.#inText) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inText = false;
        continue;
      }
      if (byte === QUOTE) this.#inText = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        this.#depth++;
        if (this.#opens(byte)) start = i + 1;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        this.#depth--;
        if (this.#closes(byte)) {
          yield* this.#part(chunk.subarray(start, i));
          if (this.#position !== null) this.#position = null;
          else this.#ended = true;
          this.#key = "";
          start = i + 1;
        }
      } else if (byte === COMMA && this.#isCut()) {
        yield* this.#part(chunk.subarray(start, i));
        start = i + 1;
      } else if (byte === COLON && this.#depth === 1) {
        this.#key = this.#readKey(chunk.subarray(start, i));
        start = i + 1;
      }
    }
    this.#kept.push(chunk.subarray(start));
  }

  end(): void {
    if (!this.#ended || this.#take(Buffer.alloc(0)) !== "") throw invalidJson(this.#path);
  }

  /** True for the object itself, and for a list right in it. */
  #opens(byte: number): boolean {
    if (this.#ended || (this.#depth === 1 && byte !== OPEN_OBJECT)) throw invalidJson(this.#path);
    const isList = this.#depth === 2 && byte === OPEN_LIST && this.#key !== "" && this.#position === null;
    if (isList) this.#position = 0;
    if (isList || this.#depth === 1) this.#kept = [];
    return isList || this.#depth === 1;
  }

  #closes(byte: number): boolean {
    if (this.#position !== null && this.#depth === 1) {
      if (byte !== CLOSE_LIST) throw invalidJson(this.#path);
      return true;
    }
    if (this.#depth > 0) return false;
    if (this.#depth < 0 || byte !== CLOSE_OBJECT) throw invalidJson(this.#path);
    return true;
  }

  #isCut(): boolean {
    return this.#position === null ? this.#depth === 1 : this.#depth === 2;
  }

  *#part(last: Buffer): Generator<JsonPart, void, undefined> {
    const text = this.#take(last);
    // Between a list's end and the next comma there is nothing.
    if (text === "" && this.#position === null) return;
    if (text === "" && this.#position === 0) return;
    if (text === "" || this.#key === "") throw invalidJson(this.#path);
    yield { key: this.#key, text, position: this.#position };
    if (this.#position === null) this.#key = "";
    else this.#position++;
  }

  #readKey(last: Buffer): string {
    try {
      const key: unknown = JSON.parse(this.#take(last));
      if (typeof key === "string") return key;
    } catch (error) {
      throw invalidJson(this.#path, error);
    }
    throw invalidJson(this.#path);
  }

  #take(last: Buffer): string {
    const bytes = this.#kept.length === 0 ? last : Buffer.concat([...this.#kept, last]);
    this.#kept = [];
    try {
      return bytes.toString("utf8").trim();
    } catch (error) {
      // One part of more than half a gigabyte is more than a string may hold.
      throw invalidJson(this.#path, error);
    }
  }
}
