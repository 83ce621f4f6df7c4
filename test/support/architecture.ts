/** Reads the imports of source files and holds them against a table of rooms. */

import { posix } from "node:path";

/** A part of the sources and what it may use. Paths are files, or folders without a slash at the end. */
export interface Room {
  readonly name: string;
  /** What belongs to it; of several rooms the longest path counts. */
  readonly paths: readonly string[];
  /** Paths of other rooms it may import, `type PATH` for types only; leaves may always be. */
  readonly may: readonly string[];
  /** Packages and guarded Node modules it may import; `type NAME` for types only. */
  readonly packages: readonly string[];
}

/** The rules: rooms, and what anyone may import. */
export interface Architecture {
  readonly rooms: readonly Room[];
  readonly leaves: readonly string[];
  /** Modules of Node that only rooms naming them may import; the others are free. */
  readonly guardedModules: readonly string[];
  /** The files that may read `process.env`. */
  readonly environmentReaders: readonly string[];
  /** Where `import.meta` may be read: in the build most code is in other files than its own. */
  readonly addressReaders: readonly string[];
}

export interface SourceFile {
  /** From the repository's folder, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
}

/** What is wrong with the imports of `files`, one sentence each. */
export function checkImports(files: readonly SourceFile[], architecture: Architecture): string[] {
  return files.flatMap((file) => checkFile(file, architecture));
}

/** The room a file belongs to. */
function roomOf(path: string, rooms: readonly Room[]): Room | undefined {
  let best: Room | undefined;
  let length = -1;
  for (const room of rooms) {
    for (const own of room.paths) {
      if (own.length > length && isWithin(path, own)) [best, length] = [room, own.length];
    }
  }
  return best;
}

/** Imports of every kind: static, dynamic, of types, of workers and of files beside the source. */
export function importsOf(text: string): Import[] {
  const code = text.replaceAll(/^\s*\/\*[\s\S]*?\*\//gm, "").replaceAll(/^\s*\/\/.*$/gm, "");
  const statements = code.matchAll(/^(?:import|export)\s+(type\s)?(?:[^"'`;]*?\sfrom\s*)?["']([^"']+)["']/gm);
  const found = [...statements].map(([, type, from]) => ({ from: from ?? "", typeOnly: type !== undefined }));
  for (const [, from] of code.matchAll(/\bimport\s*\(\s*["'`]([^"'`]+)["'`]/g)) {
    found.push({ from: from ?? "", typeOnly: false });
  }
  for (const [, from] of code.matchAll(/new URL\(\s*["'`](\.[^"'`]*)["'`]\s*,\s*import\.meta\.url/g)) {
    found.push({ from: from ?? "", typeOnly: false });
  }
  for (const [, name] of code.matchAll(/\bcodeUrl\(\s*["'`]([^"'`$]+)["'`]/g)) {
    found.push({ from: `core/${name}.ts`, typeOnly: false });
  }
  for (const [, path] of code.matchAll(/\bdataUrl\(\s*["'`]([^"'`$]+)/g)) {
    found.push({ from: `core/${path}`, typeOnly: false });
  }
  return found;
}

function checkFile(file: SourceFile, architecture: Architecture): string[] {
  const { rooms, environmentReaders, addressReaders } = architecture;
  const room = roomOf(file.path, rooms);
  if (room === undefined) return [`${file.path} belongs to no room`];
  const problems = importsOf(file.text)
    .map((one) => checkImport(file.path, room, one, architecture))
    .filter((problem) => problem !== null);
  if (/\bprocess\.env\b/.test(file.text) && !environmentReaders.includes(file.path)) {
    problems.push(`${file.path} reads process.env`);
  }
  if (/\bimport\.meta\b/.test(file.text) && !addressReaders.some((path) => isWithin(file.path, path))) {
    problems.push(`${file.path} reads import.meta`);
  }
  return problems;
}

function checkImport(path: string, room: Room, one: Import, architecture: Architecture): string | null {
  const isAddress = one.from.startsWith("core/");
  if (!isAddress && !one.from.startsWith("."))
    return checkPackage(path, room, one, architecture.guardedModules);
  const target = isAddress ? one.from : posix.normalize(posix.join(posix.dirname(path), one.from));
  const isCode = !target.endsWith("/");
  if (isCode && !/\.\w+$/.test(target)) return `${path} imports ${one.from} without its file ending`;
  if (/\.m?js$/.test(target)) return `${path} imports ${one.from}, which ends in .ts`;
  const allowed = one.typeOnly ? room.may.map((path) => path.replace(/^type /, "")) : room.may;
  if (architecture.leaves.includes(target) || allowed.some((some) => isWithin(target, some))) return null;
  const other = roomOf(target, architecture.rooms);
  if (other === room) return null;
  return `${path} (${room.name}) imports ${target} (${other?.name ?? "no room"})`;
}

function checkPackage(path: string, room: Room, one: Import, guarded: readonly string[]): string | null {
  if (one.from.startsWith("node:") && !guarded.includes(one.from)) return null;
  const name = one.from.startsWith("node:")
    ? one.from
    : one.from
        .split("/")
        .slice(0, one.from.startsWith("@") ? 2 : 1)
        .join("/");
  if (room.packages.includes(name)) return null;
  if (one.typeOnly && room.packages.includes(`type ${name}`)) return null;
  return `${path} (${room.name}) imports the package ${name}`;
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
