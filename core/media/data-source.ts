/** Media written out in the address itself: `data:` URLs. */

import { NearsightError } from "../errors.ts";
import { checkSize, type MediaOptions, type MediaSource, type ReadMedia, shown } from "./media-source.ts";

// data:[type][;parameters][;base64],<data>  (RFC 2397)
const DATA_URL = /^data:[^,]*?(;base64)?,/i;

/** `data:` URLs, in base64 or percent encoding. */
export const dataSource: MediaSource = {
  matches: (uri) => uri.slice(0, 5).toLowerCase() === "data:",
  async stat(uri, options) {
    return (await readWithStat(uri, options)).stat;
  },
  read: readWithStat,
  async open(uri, options = {}) {
    const head = DATA_URL.exec(uri);
    if (head === null) throw invalid(uri, "it has no comma");
    const body = uri.slice(head[0].length);
    // Four characters carry three bytes: refuse before decoding.
    checkSize(Math.floor((body.length * 3) / 4) - 2, "The data URL", options);
    return head[1] === undefined ? decodePercent(body, uri) : decodeBase64(body, uri);
  },
  async *list(uri, options) {
    yield await dataSource.stat(uri, options);
  },
};

async function readWithStat(uri: string, options?: MediaOptions): Promise<ReadMedia> {
  const bytes = await dataSource.open(uri, options);
  return { bytes, stat: { uri, size: bytes.byteLength, modified: null, etag: null } };
}

function decodeBase64(body: string, uri: string): Uint8Array {
  const text = body.includes("%") ? unescapeText(body, uri) : body;
  if (!/^[a-z0-9+/_\s-]*={0,2}\s*$/i.test(text)) throw invalid(uri, "its base64 has other characters");
  return Buffer.from(text, "base64");
}

function decodePercent(body: string, uri: string): Uint8Array {
  // Latin-1, because each %xx stands for one byte.
  const text = body.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  if (/[\u0100-\uffff]/.test(text)) throw invalid(uri, "it has characters that are not escaped");
  return Buffer.from(text, "latin1");
}

function unescapeText(body: string, uri: string): string {
  try {
    return decodeURIComponent(body);
  } catch {
    throw invalid(uri, "its percent signs are wrong");
  }
}

function invalid(uri: string, reason: string): NearsightError {
  return new NearsightError({
    code: "MEDIA_INVALID",
    message: `Expected a data URL such as data:image/png;base64,… but ${reason}: ${shown(uri)}`,
    hint: "Encode the bytes in base64",
  });
}
