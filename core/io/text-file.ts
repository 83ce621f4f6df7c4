/** Reads text files line by line and writes them piece by piece, whatever their size. */

import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";

/** A line longer than this is no line of ours: 64 MiB hold a vector of millions of numbers. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024;

/** Text that is kept back until it is worth a write. */
const WRITE_BYTES = 256 * 1024;

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** A line with its number from 1, or why it cannot be read. */
export type Line =
  | { readonly number: number; readonly text: string }
  | { readonly number: number; readonly failed: string };

/** The lines of a UTF-8 file; ends are LF or CRLF, and a byte order mark is left out. Empty lines come too. */
export async function* readLines(path: string): AsyncGenerator<Line, void, undefined> {
  let number = 0;
  for await (const bytes of splitLines(path)) {
    number++;
    if (bytes === null) yield { number, failed: `The line has more than ${MAX_LINE_BYTES} bytes` };
    else yield decode(number, number === 1 ? withoutMark(bytes) : bytes);
  }
}

function decode(number: number, bytes: Buffer): Line {
  const end = bytes.at(-1) === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length;
  try {
    return {
      number,
      text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, end)),
    };
  } catch {
    return { number, failed: "The line is not UTF-8" };
  }
}

function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? bytes.subarray(3) : bytes;
}

/** The bytes between line feeds; null in place of a line that is too long. */
async function* splitLines(path: string): AsyncGenerator<Buffer | null, void, undefined> {
  let parts: Buffer[] = [];
  let size = 0;
  const add = (part: Buffer) => {
    size += part.length;
    if (size <= MAX_LINE_BYTES) parts.push(part);
    else parts = [];
  };
  const take = () => {
    const line = size <= MAX_LINE_BYTES ? Buffer.concat(parts) : null;
    parts = [];
    size = 0;
    return line;
  };
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      add(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    add(chunk.subarray(start));
  }
  if (size > 0) yield take();
}

/** A new file that text is appended to. */
export interface TextWriter {
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens a file that is not there yet. */
export async function openTextWriter(path: string): Promise<TextWriter> {
  const handle = await open(path, "wx");
  let kept: string[] = [];
  let size = 0;
  const flush = async () => {
    const text = kept.join("");
    kept = [];
    size = 0;
    if (text !== "") await handle.writeFile(text);
  };
  return {
    async write(text) {
      kept.push(text);
      size += text.length;
      if (size >= WRITE_BYTES) await flush();
    },
    async close() {
      try {
        await flush();
      } finally {
        await handle.close();
      }
    },
  };
}
