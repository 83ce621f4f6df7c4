#!/usr/bin/env node
// Starts the command line on a Node that can run it: this one, or the one a clone of the repository brings along.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

const source = new URL("../cli/main.ts", import.meta.url);
const built = new URL("../dist/cli/main.js", import.meta.url);
// Only a clone has the sources; it always runs them, so that what it runs is never stale.
const inClone = existsSync(source);
// Sources use `await using`, which the build writes in older words.
const oldest = inClone ? [24, 0] : [22, 13];
const [major, minor] = process.versions.node.split(".").map(Number);
const newEnough = major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
const ownNode = fileURLToPath(new URL("../node_modules/.bin/node", import.meta.url));

if (inClone && !existsSync(new URL("../node_modules", import.meta.url))) {
  stop("this clone has no packages yet; run: npm ci");
} else if (newEnough) {
  runHere(inClone ? source : built);
} else if (inClone && existsSync(ownNode) && process.env.NEARSIGHT_OWN_NODE === undefined) {
  runOnOwnNode();
} else {
  stop(
    `needs Node ${oldest.join(".")} or newer but this is ${process.versions.node}; get one from nodejs.org`,
  );
}

function stop(message) {
  process.stderr.write(`nearsight ${message}\n`);
  process.exitCode = 1;
}

function runHere(entry) {
  // What was compiled for one command serves the next; from the sources this halves the start.
  module.enableCompileCache?.();
  // Worker threads read where it is from the environment.
  const cache = module.getCompileCacheDir?.();
  if (cache !== undefined) process.env.NODE_COMPILE_CACHE ??= cache;
  // node:sqlite and type stripping announce themselves as experimental; users can do nothing about it.
  const emitWarning = process.emitWarning;
  process.emitWarning = (warning, ...rest) => {
    const type = rest[0] !== null && typeof rest[0] === "object" ? rest[0].type : rest[0];
    if (type !== "ExperimentalWarning") emitWarning.call(process, warning, ...rest);
  };
  import(entry.href)
    .then(({ main }) => main(process.argv))
    .catch((error) => {
      console.error(error);
      process.exitCode = 1;
    });
}

function runOnOwnNode() {
  const child = spawn(ownNode, process.argv.slice(1), {
    stdio: "inherit",
    env: { ...process.env, NEARSIGHT_OWN_NODE: "1" },
    shell: process.platform === "win32",
  });
  // The terminal sends an interrupt to both; the child decides how to end.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => stop(`could not start ${ownNode}: ${error.message}`));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1);
  });
}
