/** How much one caller, one request and all of them together may take. */

export interface Limits {
  /** Requests of one caller in a minute. */
  readonly requestsPerMinute: number;
  /** Bytes of a request's body. */
  readonly bodyBytes: number;
  /** Bytes of an uploaded file, where the service itself is sent it. */
  readonly uploadBytes: number;
  /** Requests that are worked on at once; further ones are turned away, so that these end in time. */
  readonly inFlight: number;
  /** Milliseconds until a request is given up. */
  readonly timeoutMs: number;
}

/** A Lambda function is sent 6 MB at most: what fits here fits there. */
export const DEFAULT_LIMITS: Limits = {
  requestsPerMinute: 600,
  bodyBytes: 6_000_000,
  uploadBytes: 32_000_000,
  inFlight: 64,
  timeoutMs: 30_000,
};
