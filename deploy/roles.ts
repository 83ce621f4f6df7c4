/** The functions of a deployment: what each may take, and what it is for. */

export interface Role {
  /** Longest run, in seconds; AWS allows 900. */
  readonly seconds: number;
  /** Memory in MB, and CPU with it: 1,769 MB are one whole CPU. New accounts may have 3,008 MB at most. */
  readonly megabytes: number;
  /** Instances that it has to itself, and at most, where instances are reserved. */
  readonly instances: number;
  readonly about: string;
  /** What it runs, where that is not the `handler` of the bundle that has its name. */
  readonly code?: { readonly bundle: string; readonly entry: string };
}

/** An HTTP API of API Gateway gives up after 30 seconds; a function that does so before can still say why. */
const GATEWAY_SECONDS = 29;

/** Those that answer requests, and the groups of routes they serve. */
export const API_ROLES = {
  compute: {
    seconds: GATEWAY_SECONDS,
    megabytes: 1_769,
    instances: 10,
    about:
      "Plans builds of indexes, cancels and resumes them, embeds what a request brings, hands out uploads",
  },
  query: {
    seconds: GATEWAY_SECONDS,
    megabytes: 1_769,
    instances: 20,
    about: "Searches, and reads rows",
  },
  manage: {
    seconds: GATEWAY_SECONDS,
    megabytes: 1_024,
    instances: 10,
    about: "Data sets, samples, saved views, runs; health and documentation",
  },
} as const satisfies Record<string, Role>;

/** Those that work on their own. */
export const WORKER_ROLES = {
  reindex: {
    seconds: 120,
    megabytes: 1_769,
    instances: 10,
    about: "Brings data set and indexes in step with objects that came, changed or went",
  },
  build: {
    seconds: 900,
    megabytes: 3_008,
    instances: 10,
    about: "Embeds and writes one batch of a build",
  },
  giveUp: {
    seconds: 60,
    megabytes: 1_024,
    instances: 2,
    about: "Gives up batches that nobody could do, so that their build ends",
    code: { bundle: "build", entry: "deadLetters" },
  },
  sync: {
    seconds: 900,
    megabytes: 1_769,
    instances: 1,
    about: "Compares the bucket with the data set, and repairs what differs",
  },
} as const satisfies Record<string, Role>;

export type ApiRole = keyof typeof API_ROLES;
export type RoleName = ApiRole | keyof typeof WORKER_ROLES;

export const ROLES: Readonly<Record<RoleName, Role>> = { ...API_ROLES, ...WORKER_ROLES };
