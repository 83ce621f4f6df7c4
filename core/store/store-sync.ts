/** The interface of what the store keeps for matching a data set with a bucket or folder: leases, and addresses in order. */

/** A key that one worker has for itself. */
export interface KeyLease {
  readonly datasetId: string;
  readonly uri: string;
  /** Another one with each lease: writes under an older one are refused. */
  readonly token: string;
  /** 0, or until when a worker that lost the lease may still write vectors of this key: those there prove nothing. */
  readonly unsettledUntil: number;
  /** Milliseconds since 1970. */
  readonly takenAt: number;
}

/** What a holder leaves behind: vectors that fit, none written, or some that perhaps do not fit. */
export type LeaseOutcome = "settled" | "untouched" | "unsettled";

export interface KeyLeaseStore {
  /** Takes the lease of a key; null while somebody else holds it. DATASET_NOT_FOUND */
  take(datasetId: string, uri: string, ttlMs: number): Promise<KeyLease | null>;
  /** Moves the lease's end on; LEASE_LOST. */
  renew(lease: KeyLease, ttlMs: number): Promise<void>;
  /** LEASE_LOST */
  release(lease: KeyLease, outcome: LeaseOutcome): Promise<void>;
  /** Of these keys, those that are being worked on, or whose work was begun and not settled. */
  unsettled(datasetId: string, uris: readonly string[]): Promise<string[]>;
}

/** Addresses after one, at most so many. */
export interface UriPage {
  readonly after: string;
  readonly limit: number;
}

/** A sample by where it came from. */
export interface SampleAddress {
  readonly uri: string;
  readonly id: string;
}

/** Samples by their addresses. */
export interface SampleAddressStore {
  /** The sample of an address, or null. */
  get(datasetId: string, uri: string): Promise<string | null>;
  /** Samples whose address begins with `prefix`, in the order of its bytes. */
  page(datasetId: string, prefix: string, page: UriPage): Promise<SampleAddress[]>;
  /** Gives samples without an address, whose file is below `prefix`, that of their file: the first of each file. */
  adopt(datasetId: string, prefix: string): Promise<void>;
}
