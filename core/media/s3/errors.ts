/** Errors of S3 as ours: by the names the server gives, else by the HTTP status. */

import { type ErrorCode, isNearsightError, NearsightError } from "../../errors.ts";
import { shown } from "../media-source.ts";

type Advice = readonly [code: ErrorCode, hint: string];

const CHECK_KEYS: Advice = [
  "AUTHENTICATION_FAILED",
  "Check the credentials, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
];
const NO_OBJECT: Advice = ["MEDIA_NOT_FOUND", "Check the address; keys are case-sensitive"];
const NOT_SUPPORTED: Advice = ["BACKEND_FAILED", "Check what the server supports"];
const TRY_AGAIN: Advice = ["BACKEND_UNAVAILABLE", "Try again; check the endpoint if it stays so"];

/** By the code in the server's answer (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). */
const BY_NAME: Readonly<Record<string, Advice>> = {
  NoSuchKey: NO_OBJECT,
  // A medium that is not there proves that it was deleted; a bucket that is not there proves a wrong address.
  NoSuchBucket: ["INVALID_ARGUMENT", "Check the bucket's name and the endpoint"],
  InvalidAccessKeyId: CHECK_KEYS,
  SignatureDoesNotMatch: CHECK_KEYS,
  ExpiredToken: CHECK_KEYS,
  CredentialsProviderError: CHECK_KEYS,
  TimeoutError: TRY_AGAIN,
  SlowDown: TRY_AGAIN,
};

const BY_STATUS: Readonly<Record<number, Advice>> = {
  401: CHECK_KEYS,
  // Without s3:ListBucket AWS answers so for keys that are not there, too.
  403: ["PERMISSION_DENIED", "Allow s3:GetObject on the objects and s3:ListBucket on the bucket"],
  404: NO_OBJECT,
  429: TRY_AGAIN,
};

/** What the SDK throws: an error with the answer's metadata, or one of the connection. */
interface SdkError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly code?: string;
}

export function s3StatusOf(error: unknown): number | undefined {
  return (error as SdkError).$metadata?.httpStatusCode;
}

export function s3Error(error: unknown, uri: string): NearsightError {
  if (isNearsightError(error)) return error;
  const { name, message, code: reason } = error as SdkError;
  if (name === "AbortError") return aborted(error);
  const [code, hint] = adviceFor(error as SdkError);
  return new NearsightError({
    code,
    message: `'${shown(uri)}' could not be read from S3: ${name}${message === name ? "" : `: ${message}`}`,
    hint,
    details: { uri: shown(uri), reason: reason ?? name },
    cause: error,
  });
}

function adviceFor(error: SdkError): Advice {
  const named = BY_NAME[error.name];
  if (named !== undefined) return named;
  const status = s3StatusOf(error);
  // No answer: the connection failed, or the SDK never got so far.
  if (status === undefined) return withoutAnswer(error);
  return BY_STATUS[status] ?? (status > 501 || status === 500 ? TRY_AGAIN : NOT_SUPPORTED);
}

function withoutAnswer({ message, code }: SdkError): Advice {
  if (/region is missing/i.test(message)) return ["CONFIG_INVALID", "Set AWS_REGION"];
  if (code !== undefined) return TRY_AGAIN;
  return ["BACKEND_FAILED", "Check the settings of S3 with `nearsight config`"];
}

function aborted(cause: unknown): NearsightError {
  return new NearsightError({
    code: "ABORTED",
    message: "The operation was cancelled before it ended",
    hint: "Call it again to go on",
    cause,
  });
}
