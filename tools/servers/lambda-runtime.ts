/** AWS's runtime client for Lambda, compiled from its npm package on first use. */

import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { installOnce } from "./install.ts";
import { needCommand, run } from "./needs.ts";

const VERSION = "4.0.2";
const PACKAGE = "aws-lambda-ric";

/** This Node comes with its headers, which node-gyp would fetch from a place that is no package registry. */
const NODE = resolve(process.execPath, "../..");

/** System tools that compile it; throws MissingTool. */
export function needLambdaRuntime(): void {
  for (const name of ["cmake", "make", "g++"]) needCommand(name, `compile ${PACKAGE}`, [name]);
}

/** The folder of the installed package; its `index.mjs` runs a handler. The first time takes a minute or two. */
export async function installLambdaRuntime(): Promise<string> {
  const place = await installOnce(`${PACKAGE}-${VERSION}`, async (staging) => {
    needLambdaRuntime();
    const wanted = { private: true, dependencies: { [PACKAGE]: VERSION }, allowScripts: { [PACKAGE]: true } };
    writeFileSync(join(staging, "package.json"), JSON.stringify(wanted));
    const env = { ...process.env, npm_config_nodedir: NODE };
    await run("npm", ["install", "--prefix", staging, "--no-audit", "--no-fund"], { cwd: staging, env });
  });
  return join(place, "node_modules", PACKAGE);
}
