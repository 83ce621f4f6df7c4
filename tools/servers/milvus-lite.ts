/** Milvus Lite from its Python package: a small server of its own that speaks Milvus' protocol. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { CATALOGUE } from "./catalogue.ts";
import { installOnce } from "./install.ts";
import { takesConnections } from "./ports.ts";
import { installPackages, needPython, pythonVersion } from "./python.ts";
import type { Recipe } from "./recipe.ts";

const { version } = CATALOGUE["milvus-lite"];

/** The second is needed by the first, which does not say so. */
const PACKAGES = [`milvus-lite==${version}`, "pymilvus==3.0.2"];

export const MILVUS_LITE: Recipe = {
  async needs() {
    await needPython();
  },

  async install() {
    await install();
  },

  async prepare({ folder, port }) {
    const packages = await install();
    mkdirSync(folder, { recursive: true });
    const where = ["--data-dir", join(folder, "data"), "--host", "127.0.0.1", "--port", String(port)];
    return {
      command: await needPython(),
      args: ["-c", "from milvus_lite.cmdline import main; main()", "server", ...where],
      folder,
      environment: { PATH: process.env["PATH"], HOME: folder, PYTHONPATH: packages },
      log: join(folder, "output.log"),
    };
  },

  isReady: ({ port }) => takesConnections(port),

  address: ({ port }) => ({ uri: `http://127.0.0.1:${port}` }),
};

async function install(): Promise<string> {
  const python = await needPython();
  return installOnce(`milvus-lite-${version}-python${await pythonVersion(python)}`, (staging) =>
    installPackages(python, staging, PACKAGES),
  );
}
