/**
 * Times from the start of a process: to its first vector, beside transformers.js and Python, and to the end of small
 * commands. `--before FOLDER` takes part as well: bin/ and dist/ of another build.
 */

import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import { buildPackage, prepareEmbedders, writePhotos } from "./support/embedders.ts";
import { inTurns, machineFacts, OURS, publish, timed } from "./support/report.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "15" }, before: { type: "string" } },
});

const ROOT = resolve(import.meta.dirname, "..");
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  "nearsight --version": ["--version"],
  "nearsight --help": ["--help"],
  "nearsight search, 200 pictures, by prompt": ["search", "quickstart", "--prompt", "a dog", "--json"],
  "nearsight datasets": ["datasets", "list", "--json"],
};
const run = promisify(execFile);

buildPackage();
const work = mkdtempSync(join(tmpdir(), "nearsight-bench-"));
try {
  const packages = {
    [OURS]: place("package", ROOT),
    ...(values.before && { before: place("before", values.before) }),
  };
  const environment = { ...process.env, HOME: work, NEARSIGHT_HOME: join(work, "home") };
  const rounds = Number(values.rounds);
  const command = (folder: string, words: readonly string[]) => () =>
    timed(() => run(process.execPath, [join(folder, "bin/nearsight.mjs"), ...words], { env: environment }));

  const dists = Object.entries(packages).map(([name, folder]) => [name, join(folder, "dist")]);
  const starters = await prepareEmbedders(await writePhotos(work, 1), Object.fromEntries(dists));
  const embedding = Object.entries(starters).map(([name, start]) => [
    name,
    async () => {
      const child = await start();
      await child.close();
      return child.startMs;
    },
  ]);
  const cases = [{ name: "first vector", times: await inTurns(rounds, Object.fromEntries(embedding)) }];

  await command(packages[OURS] ?? "", ["quickstart", "--json"])();
  for (const [name, words] of Object.entries(COMMANDS)) {
    const contenders = Object.entries(packages).map(([one, folder]) => [one, command(folder, words)]);
    const bare = () => timed(() => run(process.execPath, ["--eval", "0"]));
    const times = await inTurns(rounds, { ...Object.fromEntries(contenders), "node alone": bare });
    cases.push({ name, times });
  }
  await publish("start", {
    title: "From the start of a process (EfficientNet-Lite0 float32, one JPEG 640 x 480; commands)",
    facts: machineFacts(),
    cases,
  });
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** A folder as npm installs the package: with sources beside it, the command would run those. */
function place(name: string, build: string): string {
  const folder = join(work, name);
  mkdirSync(folder);
  for (const part of ["bin", "dist"]) cpSync(join(build, part), join(folder, part), { recursive: true });
  cpSync(join(ROOT, "package.json"), join(folder, "package.json"));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}
