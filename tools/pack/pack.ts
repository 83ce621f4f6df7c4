/** Packs one function: its code as one file, its worker threads beside it, and the files they read. */

import { cpSync, lutimesSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { build, type Metafile } from "esbuild";
import { type Bundle, folderOf, hasModel, MEDIA_PACKAGES, NATIVE_PACKAGES } from "./bundles.ts";
import { checkInputs, checkSize, type PackedBundle } from "./gates.ts";
import { leavingOut } from "./left-out.ts";
import { copyNative } from "./native.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** Where `npm run pack` writes. */
export const PACK_FOLDER = join(ROOT, ".cache/pack");

/** CommonJS packages call require() for Node's modules, and ask for their own path. */
const BANNER = [
  'import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);',
  'import{fileURLToPath as __fu}from"node:url";const __filename=__fu(import.meta.url);',
  'const __dirname=__fu(new URL(".",import.meta.url));',
].join("");

/** Worker threads of the embedded backend, which no function is given, and of the model where there is none. */
const UNUSED_WORKERS = ["backends/local/worker", "backends/local/search-worker"];
const MODEL_WORKERS = ["models/onnx-worker"];
const MODEL_FOLDER = "models/nearsight-tiny";

/** Files carry no time of their own, so that equal bundles are equal archives. */
const FILE_TIME = new Date("2000-01-01T00:00:00Z");

/** Writes a bundle below `output`; throws where it has what it must not have, or is too large. */
export async function pack(bundle: Bundle, output = PACK_FOLDER): Promise<PackedBundle> {
  const folder = join(output, folderOf(bundle));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const entry = `functions/handlers/${bundle.role}-${bundle.backend}.ts`;
  const metafiles = [await bundled(bundle, entry, join(folder, "index.mjs"))];
  const skipped = hasModel(bundle) ? UNUSED_WORKERS : [...UNUSED_WORKERS, ...MODEL_WORKERS];
  for (const worker of workersOf(metafiles[0] as Metafile).filter((name) => !skipped.includes(name))) {
    metafiles.push(await bundled(bundle, `core/${worker}.ts`, join(folder, `${worker}.js`)));
  }
  writeFileSync(join(folder, "package.json"), '{"type":"module"}\n');
  checkInputs(bundle, metafiles);
  if (hasModel(bundle)) {
    cpSync(join(ROOT, "core", MODEL_FOLDER), join(folder, MODEL_FOLDER), { recursive: true });
    await copyNative(join(folder, "node_modules"), bundle.architecture);
  }
  settleTimes(folder);
  return checkSize(bundle, folder);
}

async function bundled(bundle: Bundle, entry: string, outfile: string): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    target: "node22",
    format: "esm",
    minify: true,
    banner: { js: BANNER },
    external: hasModel(bundle) ? [...NATIVE_PACKAGES] : [],
    plugins: [leavingOut(hasModel(bundle) ? [] : [...NATIVE_PACKAGES, ...MEDIA_PACKAGES])],
    metafile: true,
    legalComments: "none",
    logLevel: "warning",
  });
  return metafile;
}

/** The worker threads that the sources in a bundle start, by their paths in `core`: they are looked for beside it. */
function workersOf({ inputs }: Metafile): string[] {
  const ours = Object.keys(inputs).filter((path) => path.endsWith(".ts") && !path.includes("node_modules/"));
  return ours.flatMap((path) => {
    const text = readFileSync(join(ROOT, path), "utf8");
    return [...text.matchAll(/Worker\(codeUrl\("([\w/-]+)"\)/g)].map(([, name = ""]) => name);
  });
}

function settleTimes(folder: string): void {
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    lutimesSync(join(folder, file), FILE_TIME, FILE_TIME);
  }
}

/** A path below the repository, for messages. */
export function shownPath(path: string): string {
  return relative(ROOT, path);
}
