/** Zip archives written byte by byte, so that they can lie. Format: PKWARE's APPNOTE.TXT. */

import { crc32, deflateRawSync } from "node:zlib";

export interface ZipEntry {
  readonly name: string;
  readonly content?: string | Uint8Array;
  /** Default true. */
  readonly deflate?: boolean;
  /** st_mode of Unix, such as 0o120777 for a link. Default 0o100644. */
  readonly mode?: number;
  /** General purpose bits: 1 says that the entry is encrypted. Default: UTF-8 names. */
  readonly flags?: number;
  /** What the archive says instead of the truth. */
  readonly lies?: {
    readonly size?: number;
    readonly packed?: number;
    readonly crc?: number;
    readonly offset?: number;
  };
}

/** The archive; `count` is the number of entries it says it has. */
export function makeZip(entries: readonly ZipEntry[], lies: { readonly count?: number } = {}): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const { mode = 0o100644, flags = 0x800, deflate = true } = entry;
    const name = Buffer.from(entry.name);
    const content = Buffer.from(entry.content ?? "");
    const data = deflate ? deflateRawSync(content) : content;
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt16LE(flags, 2);
    facts.writeUInt16LE(deflate ? 8 : 0, 4);
    facts.writeUInt32LE(entry.lies?.crc ?? crc32(content), 10);
    facts.writeUInt32LE(entry.lies?.packed ?? data.length, 14);
    facts.writeUInt32LE(entry.lies?.size ?? content.length, 18);
    facts.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), facts, name, data]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE((mode << 16) >>> 0, 6);
    tail.writeUInt32LE(entry.lies?.offset ?? offset, 10);
    // Version made by: 3 is Unix.
    central.push(Buffer.concat([Buffer.from("PK\x01\x02"), Buffer.from([20, 3]), facts, tail, name]));
    locals.push(local);
    offset += local.length;
  }
  const end = Buffer.alloc(18);
  const count = lies.count ?? entries.length;
  end.writeUInt16LE(count, 4);
  end.writeUInt16LE(count, 6);
  end.writeUInt32LE(Buffer.concat(central).length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, ...central, Buffer.from("PK\x05\x06"), end]);
}
