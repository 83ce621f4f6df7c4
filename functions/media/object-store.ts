/** What the API needs of a place for media beside the files of its own machine. */

import type { SignedUrls } from "./signed-urls.ts";

/** One file that somebody wants to upload. */
export interface Upload {
  readonly dataset: { readonly id: string; readonly name: string };
  /** Of a picture: `image/jpeg`. */
  readonly type: string;
  /** At most so many. */
  readonly bytes: number;
  /** Seconds. */
  readonly expiresIn: number;
}

/** A form to send the file with: the fields first, then the file in the field `file`. */
export interface UploadForm {
  /** Absolute, or below the address of the service. */
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
  /** What the sample is registered with. */
  readonly filepath: string;
  /** ISO 8601. */
  readonly expires: string;
}

/** Where uploads go. */
export interface UploadPlace {
  /** A form for one file of this type and size. */
  prepare(upload: Upload, urls: SignedUrls): Promise<UploadForm>;
  /** Keeps a file that the service itself was sent; left out where forms are sent elsewhere. */
  receive?(file: ReceivedFile): Promise<void>;
}

export interface ReceivedFile {
  readonly datasetId: string;
  readonly key: string;
  readonly type: string;
  readonly content: Uint8Array;
}

/** Gives links to objects of buckets. */
export interface ObjectLinks {
  /** A link to an `s3://` address that works for so many seconds. */
  presign(uri: string, expiresIn: number): Promise<string>;
}
