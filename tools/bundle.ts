/**
 * Puts the JavaScript of dist/ together: few files, since each that a process loads costs it a part of a millisecond.
 *
 * What package.json lists as a dependency stays outside; what the code imports besides becomes part of it.
 */

import { globSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, posix, resolve } from "node:path";
import { build, type Plugin, transform } from "esbuild";
import type { Outputs } from "./notice.ts";

const ROOT = resolve(import.meta.dirname, "..");

/** Must lie directly in `core`, whatever file its code is put into: addresses are made from its own. */
const LOCATION = "core/location.ts";

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
  readonly engines: { readonly node: string };
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

const manifest: Manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));

/** What package.json lets others import. */
export function exportedSources(): string[] {
  return Object.values(manifest.exports).flatMap((target) =>
    typeof target === "string" ? [] : [target.default.replace(/^\.\/dist\/(.*)\.js$/, "$1.ts")],
  );
}

/** What others import, the command, and the threads. Each is a file of dist/ at the same place. */
export function entries(): string[] {
  const threads = globSync("core/*/**/*worker.ts", { cwd: ROOT }).map((path) => path.split("\\").join("/"));
  return [...exportedSources(), "cli/main.ts", ...threads.sort()];
}

/** Bundles into dist/, or only says what would be there. */
export async function bundle({ write }: { write: boolean }): Promise<Outputs> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: entries(),
    outdir: "dist",
    outbase: ".",
    chunkNames: "core/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: manifest.engines.node.replace(/^>=/, "node"),
    external: externalPackages(),
    plugins: [librariesWithoutComments],
    logLevel: "warning",
    metafile: true,
    write,
  });
  checkPlace(metafile.outputs);
  return metafile.outputs;
}

function checkPlace(outputs: Outputs): void {
  const [path = "none"] = Object.entries(outputs).find(([, { inputs }]) => LOCATION in inputs) ?? [];
  if (posix.dirname(path) !== "dist/core")
    throw new Error(`Expected ${LOCATION} in a file of dist/core but found it in ${path}`);
}

/** The manuals in the comments of libraries would be a fifth of the JavaScript. Their licences are in NOTICE. */
const librariesWithoutComments: Plugin = {
  name: "libraries without comments",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]node_modules[\\/].*\.m?js$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { minifyWhitespace: true });
      return { contents: code };
    });
  },
};

function externalPackages(): string[] {
  const { dependencies, optionalDependencies, peerDependencies } = manifest;
  return Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
}
