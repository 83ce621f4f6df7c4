/** `npm run pack`: packs the functions. `-- --backend milvus --role query --arch x64` packs some of them. */

import { parseArgs } from "node:util";
import {
  ARCHITECTURES,
  type Architecture,
  BACKENDS,
  type BackendName,
  listBundles,
  ROLES,
  type Role,
} from "./bundles.ts";
import { pack, shownPath } from "./pack.ts";

const { values } = parseArgs({
  options: {
    arch: { type: "string", multiple: true },
    backend: { type: "string", multiple: true },
    role: { type: "string", multiple: true },
  },
});

const bundles = listBundles({
  architectures: chosen("arch", values.arch, ARCHITECTURES) as Architecture[],
  backends: chosen("backend", values.backend, BACKENDS) as BackendName[],
  roles: chosen("role", values.role, Object.keys(ROLES)) as Role[],
});
for (const bundle of bundles) {
  const { folder, bytes } = await pack(bundle);
  console.log(`${shownPath(folder)}: ${(bytes / 1e6).toFixed(2)} MB`);
}

function chosen(
  option: string,
  some: readonly string[] | undefined,
  all: readonly string[],
): readonly string[] {
  const unknown = some?.find((name) => !all.includes(name));
  if (unknown === undefined) return some ?? all;
  throw new Error(`Expected --${option} to be one of ${all.join(", ")} but found ${unknown}`);
}
