/** Moto: S3 with notifications to SQS, and SQS, in one process of Python; takes any credentials. A tool for tests only. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { AWS_CREDENTIALS, CATALOGUE } from "./catalogue.ts";
import { installOnce } from "./install.ts";
import { takesConnections } from "./ports.ts";
import { installPackages, needPython, pythonVersion } from "./python.ts";
import type { Recipe } from "./recipe.ts";

const { version } = CATALOGUE.moto;

/** Of moto's own choice `server` has all services, and four times the size. */
const PACKAGES = [`moto[s3,sqs]==${version}`, "flask==3.1.3", "flask-cors==6.0.5"];

export const MOTO: Recipe = {
  async needs() {
    await needPython();
  },

  async install() {
    await install();
  },

  async prepare({ folder, port }) {
    const packages = await install();
    mkdirSync(folder, { recursive: true });
    return {
      command: await needPython(),
      args: ["-m", "moto.server", "--host", "127.0.0.1", "--port", String(port)],
      folder,
      environment: { PATH: process.env["PATH"], HOME: folder, PYTHONPATH: packages },
      log: join(folder, "output.log"),
    };
  },

  isReady: ({ port }) => takesConnections(port),

  address: ({ port }) => ({ endpoint: `http://127.0.0.1:${port}`, ...AWS_CREDENTIALS }),
};

async function install(): Promise<string> {
  const python = await needPython();
  return installOnce(`moto-${version}-python${await pythonVersion(python)}`, (staging) =>
    installPackages(python, staging, PACKAGES),
  );
}
