/** Copies the packages with native parts: for one architecture of Linux, and no more of them than runs. */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { installOnce } from "../servers/install.ts";
import type { Architecture } from "./bundles.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const CACHE = join(ROOT, ".cache/pack");

/** Package, and which of its files go along. */
type Parts = Readonly<Record<string, (path: string) => boolean>>;

/** What the packages run with, for Lambda's Linux. Without it onnxruntime-node alone has 291 MB. */
function partsFor(architecture: Architecture): Parts {
  const folder = `bin/napi-v6/linux/${architecture}`;
  const runtime = [`${folder}/libonnxruntime.so.1`, `${folder}/onnxruntime_binding.node`];
  return {
    "onnxruntime-node": (path) => /^(package\.json$|dist\/)/.test(path) || runtime.includes(path),
    "onnxruntime-common": (path) => /^(package\.json$|dist\/)/.test(path),
    sharp: (path) => /^(LICENSE|package\.json$|lib\/|dist\/)/.test(path),
    [`@img/sharp-linux-${architecture}`]: () => true,
    [`@img/sharp-libvips-linux-${architecture}`]: (path) => !path.includes("include/"),
    "@img/colour": () => true,
    "detect-libc": () => true,
    semver: () => true,
  };
}

/** Nothing of these is loaded. */
const NOT_LOADED = /\.(map|md|d\.[cm]?ts|bnf)$/;

/** Fills a bundle's `node_modules`. */
export async function copyNative(target: string, architecture: Architecture): Promise<void> {
  for (const [name, isPart] of Object.entries(partsFor(architecture))) {
    const source = await packageFolder(name);
    const files = readdirSync(source, { recursive: true, encoding: "utf8" });
    for (const file of files.filter((path) => isPart(path) && (isLicense(path) || !NOT_LOADED.test(path)))) {
      if (!statSync(join(source, file)).isFile()) continue;
      mkdirSync(dirname(join(target, name, file)), { recursive: true });
      cpSync(join(source, file), join(target, name, file), { dereference: true });
    }
  }
}

function isLicense(path: string): boolean {
  return /^LICENSE/.test(path);
}

/** Where a package is: installed here, or as it was fetched for another architecture than this machine's. */
async function packageFolder(name: string): Promise<string> {
  const installed = join(ROOT, "node_modules", name);
  if (existsSync(installed)) return installed;
  const { version, integrity } = lockedPackage(name);
  const place = await installOnce(
    `${name.replace("/", "-")}-${version}`,
    async (staging) => {
      const words = ["pack", `${name}@${version}`, "--pack-destination", staging, "--json"];
      execFileSync("npm", words, { cwd: staging, stdio: ["ignore", "ignore", "inherit"] });
      const [archive = ""] = readdirSync(staging);
      checkIntegrity(join(staging, archive), integrity);
      execFileSync("tar", ["-xzf", archive], { cwd: staging });
      rmSync(join(staging, archive));
    },
    CACHE,
  );
  return join(place, "package");
}

/** The version of a package that the lock file names, and the hash of its archive. */
function lockedPackage(name: string): { version: string; integrity: string } {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  const { version, integrity } = packages[`node_modules/${name}`] ?? {};
  if (version === undefined || integrity === undefined) {
    throw new Error(`Expected ${name} with its hash in package-lock.json but found none`);
  }
  return { version, integrity };
}

function checkIntegrity(file: string, expected: string): void {
  const [algorithm = ""] = expected.split("-");
  const found = `${algorithm}-${createHash(algorithm).update(readFileSync(file)).digest("base64")}`;
  if (found !== expected) throw new Error(`Expected ${file} with ${expected} but found ${found}`);
}
