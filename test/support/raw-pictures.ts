/** Picture files made byte by byte, for what no encoder would write. */

import { crc32, deflateSync } from "node:zlib";

/** A grey PNG of one bit a pixel with the header of `width` x `height`; all black unless `body` says otherwise. */
export function rawPng(width: number, height: number, body?: Uint8Array): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // Depth 1, colour type 0 (grey), no interlace.
  header[8] = 1;
  const pixels = body ?? deflateSync(Buffer.alloc(height * (1 + Math.ceil(width / 8))));
  const signature = Buffer.from("89504e470d0a1a0a", "hex");
  return Buffer.concat([
    signature,
    pngChunk("IHDR", header),
    pngChunk("IDAT", pixels),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

function pngChunk(type: string, data: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

/** An uncompressed grey TIFF whose directory comes first, so that a cut takes pixels only. */
export function rawTiff(width: number, height: number, level: number): Buffer {
  const SHORT = 3;
  const LONG = 4;
  // Tag, type, value: size, depth, no compression, black is 0, one strip, its length.
  const entries = [
    [256, SHORT, width],
    [257, SHORT, height],
    [258, SHORT, 8],
    [259, SHORT, 1],
    [262, SHORT, 1],
    [273, LONG, 0],
    [277, SHORT, 1],
    [278, SHORT, height],
    [279, LONG, width * height],
  ] as const;
  const start = 8 + 2 + entries.length * 12 + 4;
  const head = Buffer.alloc(start);
  head.write("II");
  head.writeUInt16LE(42, 2);
  head.writeUInt32LE(8, 4);
  head.writeUInt16LE(entries.length, 8);
  entries.forEach(([tag, type, value], i) => {
    const at = 10 + i * 12;
    head.writeUInt16LE(tag, at);
    head.writeUInt16LE(type, at + 2);
    head.writeUInt32LE(1, at + 4);
    head.writeUInt32LE(tag === 273 ? start : value, at + 8);
  });
  return Buffer.concat([head, Buffer.alloc(width * height, level)]);
}

/** The JPEG with an EXIF segment of these bytes put in front of all others. */
export function withExif(jpeg: Uint8Array, exif: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from("Exif\0\0", "latin1"), exif]);
  const head = Buffer.from([0xff, 0xe1, (body.length + 2) >> 8, (body.length + 2) & 255]);
  return Buffer.concat([jpeg.subarray(0, 2), head, body, jpeg.subarray(2)]);
}

/** EXIF that says nothing but the orientation, whether that is a known one or not. */
export function orientationExif(orientation: number): Buffer {
  const exif = Buffer.alloc(26);
  exif.write("II");
  exif.writeUInt16LE(42, 2);
  exif.writeUInt32LE(8, 4);
  exif.writeUInt16LE(1, 8);
  exif.writeUInt16LE(0x0112, 10);
  exif.writeUInt16LE(3, 12);
  exif.writeUInt32LE(1, 14);
  exif.writeUInt16LE(orientation, 18);
  return exif;
}

/** A CMYK JPEG as Adobe's YCCK: the same numbers, read as luma, two chroma and black. */
export function asYcck(cmyk: Uint8Array): Buffer {
  const bytes = Buffer.from(cmyk);
  const marker = bytes.indexOf(Buffer.from("Adobe", "latin1"));
  // APP14: "Adobe", version, two words of flags, then the transform: 0 none, 2 YCCK.
  bytes[marker + 11] = 2;
  return bytes;
}
