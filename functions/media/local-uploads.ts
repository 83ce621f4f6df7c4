/** Uploads into a folder of this machine, by the same kind of form as a bucket takes. */

import { randomBytes } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeImage, NearsightError } from "../../core/index.ts";
import { endingOf, PICTURE_ENDINGS, pictureType } from "./content-type.ts";
import type { UploadPlace } from "./object-store.ts";

/** Names that were given out: nobody chooses where a file goes. */
const KEY = new RegExp(`^[0-9a-f]{32}\\.(${PICTURE_ENDINGS.join("|")})$`);

/** Pixels of an uploaded picture at most. */
const MAX_PIXELS = 100_000_000;

/** `folder` must lie below a media root, so that what is uploaded may be registered and read. */
export function localUploads(folder: string): UploadPlace {
  return {
    async prepare({ dataset, type, bytes, expiresIn }, urls) {
      const key = `${randomBytes(16).toString("hex")}.${endingOf(type)}`;
      const path = `/datasets/${encodeURIComponent(dataset.name)}/uploads/${key}`;
      const parameters = { type, bytes: String(bytes) };
      const { url, expires } = urls.sign("POST", path, parameters, expiresIn);
      return { url, fields: { key, "content-type": type }, filepath: join(folder, dataset.id, key), expires };
    },
    async receive({ datasetId, key, type, content }) {
      if (!KEY.test(key)) throw notThatFile("a name that was given out");
      if (pictureType(content) !== type) throw notThatFile(`a picture of the type ${type}`);
      // A few bytes may unfold to gigabytes: the header tells.
      await describeImage(content, { maxPixels: MAX_PIXELS });
      await writeWhole(join(folder, datasetId), key, content);
    },
  };
}

/** Under its name there is the whole file or nothing. */
async function writeWhole(folder: string, name: string, content: Uint8Array): Promise<void> {
  await mkdir(folder, { recursive: true });
  const part = join(folder, `.${randomBytes(8).toString("hex")}.part`);
  try {
    await writeFile(part, content, { flag: "wx" });
    await rename(part, join(folder, name));
  } finally {
    await rm(part, { force: true });
  }
}

function notThatFile(expected: string): NearsightError {
  return new NearsightError({
    code: "MEDIA_INVALID",
    message: `Expected ${expected} but the upload has another`,
    hint: "Send the file that the form was asked for, with the fields it came with",
  });
}
