/** What a bundle leaves out: packages it must not have, and parts that nothing in it calls. */

import type { Plugin } from "esbuild";

const absent = (what: string) => `throw new Error("${what} is left out of this bundle")`;

/** Parts that the functions never use, by path; in their place comes what is said here. */
const PARTS: readonly { readonly path: RegExp; readonly instead: string }[] = [
  // Messages in fifty languages.
  { path: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/, instead: 'export { default as en } from "./en.js";' },
  // The Milvus SDK's files for bulk imports: Parquet, and through it an S3 client.
  { path: /[\\/]milvus2-sdk-node[\\/].*[\\/]ParquetFormatter\.js$/, instead: "module.exports = {};" },
  // No function has folders of data sets to read or write, and none draws plots.
  { path: /[\\/]core[\\/]io[\\/](import|export)\.ts$/, instead: absent("Importing and exporting") },
  { path: /[\\/]umap-js[\\/].*\.js$/, instead: absent("umap-js") },
];

/** Replaces packages by modules that fail when they are loaded, as one that is not installed does. */
export function leavingOut(packages: readonly string[]): Plugin {
  const named = packages.map((name) => name.replaceAll(/[/.]/g, "\\$&")).join("|");
  return {
    name: "left-out",
    setup(build) {
      if (packages.length > 0) {
        build.onResolve({ filter: new RegExp(`^(${named})($|/)`) }, ({ path }) => ({
          path,
          namespace: "absent",
        }));
        build.onLoad({ filter: /.*/, namespace: "absent" }, ({ path }) => ({
          contents: absent(`The package ${path}`),
        }));
      }
      for (const { path, instead } of PARTS) {
        build.onLoad({ filter: path }, () => ({ contents: instead }));
      }
    },
  };
}
