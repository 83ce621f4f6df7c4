/** Writes the part of NOTICE that follows from the build: the licences of the libraries whose code is in dist/. */

import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Metafile } from "esbuild";

const ROOT = resolve(import.meta.dirname, "..");
const NOTICE = join(ROOT, "NOTICE");

const SECTION = `


3. Libraries (dist)

The JavaScript of the package holds code of these libraries. It was joined and stripped of what is not used, by esbuild;
nothing else was changed.
`;

/** The files that a build puts out, and what each is made of. */
export type Outputs = Metafile["outputs"];

/** NOTICE as it should be for a build. */
export function noticeFor(outputs: Outputs, notice: string): string {
  const [own = ""] = notice.split(SECTION);
  return [own.trimEnd(), SECTION, ...bundledPackages(outputs).map(licenceOf)].join("");
}

/** Brings NOTICE up to date. */
export function writeNotice(outputs: Outputs): void {
  writeFileSync(NOTICE, noticeFor(outputs, readFileSync(NOTICE, "utf8")));
}

/** The packages that gave code to the files, in order of their names. */
export function bundledPackages(outputs: Outputs): string[] {
  const sources = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
  const names = sources.flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []);
  return [...new Set(names)].sort();
}

function licenceOf(name: string): string {
  const folder = join(ROOT, "node_modules", name);
  const { license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const [file] = globSync("{LICENSE,LICENCE,license}*", { cwd: folder });
  if (file === undefined) throw new Error(`Expected a licence in ${folder} but found none`);
  const text = readFileSync(join(folder, file), "utf8").replaceAll("\r", "").trim();
  return `\n${name}\n  ${license}. https://www.npmjs.com/package/${name}\n\n${text.replaceAll(/^(?=.)/gm, "    ")}\n`;
}
