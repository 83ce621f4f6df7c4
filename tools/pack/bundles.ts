/** The bundles of the functions: one for each backend and role, what each has, and how large it may be. */

export const ARCHITECTURES = ["x64", "arm64"] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

export const BACKENDS = ["milvus", "elasticsearch"] as const;
export type BackendName = (typeof BACKENDS)[number];

/** Packages that bring a backend: a bundle has those of its own alone. */
export const BACKEND_PACKAGES: Readonly<Record<BackendName, readonly string[]>> = {
  milvus: ["@zilliz/milvus2-sdk-node", "@grpc/grpc-js", "protobufjs"],
  elasticsearch: ["@elastic/elasticsearch", "@elastic/transport"],
};

/** Packages with native parts, copied beside a bundle with a model and left out of the others. */
export const NATIVE_PACKAGES = ["onnxruntime-node", "sharp"] as const;

/** Packages that read pictures: who makes no vectors of them has no use for these. */
export const MEDIA_PACKAGES = ["@aws-sdk/client-s3", "@aws-sdk/s3-request-presigner"] as const;

interface RoleFacts {
  /** Pictures and prompts become vectors in this function: it brings model, runtime and codec. */
  readonly hasModel: boolean;
}

/** What a function does; `functions/handlers/ROLE-BACKEND.ts` is its entry. */
export const ROLES = {
  manage: { hasModel: false },
  "query-vectors": { hasModel: false },
  query: { hasModel: true },
  compute: { hasModel: true },
  build: { hasModel: true },
  reindex: { hasModel: true },
} as const satisfies Record<string, RoleFacts>;
export type Role = keyof typeof ROLES;

/** Bytes that a bundle may have, unzipped. Lambda takes 250 MB; small ones start faster. */
export const MOST_BYTES = { withoutModel: 3_000_000, withModel: 75_000_000 } as const;

export interface Bundle {
  readonly backend: BackendName;
  readonly role: Role;
  readonly architecture: Architecture;
}

/** Every bundle, or those of some backends, roles and architectures. */
export function listBundles(
  some: {
    readonly backends?: readonly BackendName[];
    readonly roles?: readonly Role[];
    readonly architectures?: readonly Architecture[];
  } = {},
): Bundle[] {
  const { backends = BACKENDS, roles = Object.keys(ROLES) as Role[], architectures = ARCHITECTURES } = some;
  return architectures.flatMap((architecture) =>
    backends.flatMap((backend) => roles.map((role) => ({ backend, role, architecture }))),
  );
}

/** Where a bundle is below the output folder: `x64/query-milvus`. */
export function folderOf({ architecture, backend, role }: Bundle): string {
  return `${architecture}/${role}-${backend}`;
}

export function hasModel({ role }: Bundle): boolean {
  return ROLES[role].hasModel;
}
