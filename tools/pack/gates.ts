/** What a bundle has to be: without the other backend, without a model it has no use for, and small. */

import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Metafile } from "esbuild";
import {
  BACKEND_PACKAGES,
  BACKENDS,
  type Bundle,
  folderOf,
  hasModel,
  MOST_BYTES,
  NATIVE_PACKAGES,
} from "./bundles.ts";

export interface PackedBundle extends Bundle {
  readonly folder: string;
  /** Of all its files. */
  readonly bytes: number;
}

/** Throws where a bundle's code holds or imports a package that it must not have. */
export function checkInputs(bundle: Bundle, metafiles: readonly Metafile[]): void {
  const others = BACKENDS.filter((backend) => backend !== bundle.backend);
  const forbidden = [
    ...others.flatMap((backend) => BACKEND_PACKAGES[backend]),
    ...(hasModel(bundle) ? [] : NATIVE_PACKAGES),
  ];
  const found = [...new Set(metafiles.flatMap(packagesOf))].filter((name) => forbidden.includes(name));
  if (found.length > 0) {
    throw new Error(
      `Expected ${folderOf(bundle)} without ${forbidden.join(", ")} but found ${found.join(", ")}`,
    );
  }
}

/** The packages whose code is in the bundle, and those it imports when it runs. */
function packagesOf({ inputs, outputs }: Metafile): string[] {
  const inside = Object.keys(inputs).flatMap((path) => packageIn(path.split("node_modules/").at(-1), path));
  const outside = Object.values(outputs).flatMap(({ imports }) =>
    imports.flatMap(({ path }) => packageIn(path, `node_modules/${path}`)),
  );
  return [...inside, ...outside];
}

function packageIn(path: string | undefined, whole: string): string[] {
  if (path === undefined || !whole.includes("node_modules/")) return [];
  return [path.split("/", path.startsWith("@") ? 2 : 1).join("/")];
}

/** The bundle with its size; throws where it is larger than it may be. */
export function checkSize(bundle: Bundle, folder: string): PackedBundle {
  const bytes = bytesIn(folder);
  const most = hasModel(bundle) ? MOST_BYTES.withModel : MOST_BYTES.withoutModel;
  if (bytes <= most) return { ...bundle, folder, bytes };
  throw new Error(`Expected ${folderOf(bundle)} with at most ${most} bytes but found ${bytes}`);
}

function bytesIn(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const sizes = files
    .map((file) => lstatSync(join(folder, file)))
    .map((facts) => (facts.isFile() ? facts.size : 0));
  return sizes.reduce((sum, size) => sum + size, 0);
}
