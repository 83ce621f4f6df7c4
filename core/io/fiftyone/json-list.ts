/** Writes a list of documents to a file one by one. */

import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import type { Document } from "./extended-json.ts";

/** A file `[...]`, or `{"name": [...]}`; nothing is written before the first document or `close`. */
export class JsonList {
  readonly #stream: WriteStream;
  readonly #end: string;
  #before: string;
  #length = 0;

  constructor(path: string, name: string) {
    this.#stream = createWriteStream(path);
    // An error is thrown by the next write or by close.
    this.#stream.on("error", () => undefined);
    this.#before = name === "" ? "[" : `{"${name}": [`;
    this.#end = name === "" ? "]" : "]}";
  }

  /** How many documents there are. */
  get length(): number {
    return this.#length;
  }

  /** Adds a document, as the text given. */
  async add(document: Document, text = JSON.stringify(document)): Promise<void> {
    if (this.#stream.errored) throw this.#stream.errored;
    this.#length++;
    const isTaken = this.#stream.write(this.#before + text);
    this.#before = ",\n";
    if (!isTaken) await once(this.#stream, "drain");
  }

  /** Ends the file; throws what went wrong with it. */
  async close(): Promise<void> {
    this.#stream.end(this.#length === 0 ? this.#before + this.#end : this.#end);
    await finished(this.#stream);
  }
}
