/** Runs the code blocks of pages, each page in an installation of its own. */

import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { prepareZooDataset } from "../../core/dataset/zoo/zoo.ts";
import { temporaryFolder } from "./temporary.ts";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
const publicApi = new URL("../../core/index.ts", import.meta.url).href;
const client = new URL("../../client/index.ts", import.meta.url).href;

/** More environment variables that a page's blocks are run with, such as the address of a server. */
export type BlockEnvironment = Readonly<Record<string, string>>;

interface Block {
  readonly language: string;
  readonly code: string;
  readonly line: number;
}

/** Commands that are tried from a fresh clone, or from a packed tarball, by other tests. */
const ELSEWHERE = [
  /^npm ci && npm (run quickstart|test)$/,
  /^ONNXRUNTIME_NODE_INSTALL=skip npm install nearsight$/,
  /^NEARSIGHT_ROUNDS=full npm run test:long$/,
];

/** Commands that need an account of AWS, which no test has. */
const IN_AN_ACCOUNT = /^(npx sst|aws) /;

/** Drawings. */
const NO_CODE = "text";

/** The pages below a folder. */
export function pages(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".md"))
    .map((entry) => join(entry.parentPath, entry.name));
}

function blocks(page: string): Block[] {
  const found: Block[] = [];
  for (const match of page.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)) {
    const line = page.slice(0, match.index).split("\n").length;
    found.push({ language: match[1] ?? "", code: match[2] ?? "", line });
  }
  return found;
}

/** A home folder with the pictures the pages speak of: scenes of the quickstart. */
async function prepareHome(): Promise<string> {
  const home = temporaryFolder();
  const scenes = await prepareZooDataset("quickstart", join(home, ".nearsight/zoo/quickstart"));
  mkdirSync(join(home, "Pictures"));
  for (const { filepath } of scenes.slice(0, 30))
    copyFileSync(filepath, join(home, "Pictures", basename(filepath)));
  copyFileSync(scenes[0]?.filepath ?? "", join(home, "query.jpg"));
  return home;
}

function environment(home: string, more: BlockEnvironment): NodeJS.ProcessEnv {
  return { ...process.env, HOME: home, NEARSIGHT_HOME: join(home, ".nearsight"), NO_COLOR: "1", ...more };
}

async function runTypeScript(
  code: string,
  home: string,
  name: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const file = join(home, name);
  const sources = code
    .replaceAll('from "nearsight"', `from "${publicApi}"`)
    .replaceAll('from "nearsight/client"', `from "${client}"`);
  writeFileSync(file, sources);
  await run(process.execPath, [file], { cwd: home, env });
}

async function runShell(code: string, home: string, env: NodeJS.ProcessEnv): Promise<void> {
  for (const line of code.split("\n").filter((text) => text.trim() !== "" && !text.startsWith("#"))) {
    if (ELSEWHERE.some((pattern) => pattern.test(line)) || IN_AN_ACCOUNT.test(line)) continue;
    expect(line, "only commands of nearsight are run").toMatch(/^(npx nearsight |export )/);
    if (line.startsWith("export ")) continue;
    const command = line.replace(
      /^npx nearsight /,
      `"${process.execPath}" "${join(root, "bin/nearsight.mjs")}" `,
    );
    await run("bash", ["-c", command], { cwd: home, env });
  }
}

/** Declares a test for each page that has blocks, by its path from the repository's root. */
export function testBlocks(paths: readonly string[], more: BlockEnvironment = {}): void {
  const documents = paths
    .map((path) => ({ page: relative(root, path), found: blocks(readFileSync(path, "utf8")) }))
    .filter(({ found }) => found.length > 0);
  describe.each(documents)("$page", ({ found }) => {
    it("has code blocks that run", { timeout: 300_000 }, async () => {
      const home = await prepareHome();
      const env = environment(home, more);
      for (const { language, code, line } of found) {
        const where = `line ${line}`;
        if (language === NO_CODE) continue;
        if (language === "ts")
          await expect(runTypeScript(code, home, `line-${line}.mts`, env), where).resolves.toBeUndefined();
        else if (language === "sh") await expect(runShell(code, home, env), where).resolves.toBeUndefined();
        else if (language === "json") expect(() => JSON.parse(code), where).not.toThrow();
        else expect.fail(`${where}: no way to run a block of language '${language}'`);
      }
    });
  });
}
