#!/usr/bin/env node
// Starts the command line: checks the Node version first, then runs the sources of a clone or the built package.

import { existsSync } from "node:fs";

const OLDEST = [22, 13];

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  process.stderr.write(
    `nearsight needs Node ${OLDEST.join(".")} or newer but this is ${process.versions.node}; install it from nodejs.org\n`,
  );
  process.exitCode = 1;
} else {
  // node:sqlite and type stripping announce themselves as experimental; users can do nothing about it.
  const emitWarning = process.emitWarning;
  process.emitWarning = (warning, ...rest) => {
    const type = typeof rest[0] === "string" ? rest[0] : rest[0]?.type;
    if (type !== "ExperimentalWarning") emitWarning.call(process, warning, ...rest);
  };
  // Node strips types outside node_modules only: an installed package runs what was built.
  const source = new URL("./main.ts", import.meta.url);
  const entry = existsSync(source) ? source : new URL("../dist/cli/main.js", import.meta.url);
  const { main } = await import(entry.href);
  await main(process.argv);
}
