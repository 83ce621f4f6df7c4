/** Versity's gateway: S3 over a folder, strict about signatures, with its events sent to an address. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { AWS_CREDENTIALS, CATALOGUE } from "./catalogue.ts";
import { installOnce, isInstalled } from "./install.ts";
import { needCommand, run } from "./needs.ts";
import { takesConnections } from "./ports.ts";
import type { Instance, Recipe } from "./recipe.ts";

const { version } = CATALOGUE.versitygw;
const FOLDER = `versitygw-${version}`;

export const VERSITYGW: Recipe = {
  async needs() {
    if (!isInstalled(FOLDER)) needGo();
  },

  async install() {
    await install();
  },

  async prepare(instance) {
    const { folder, port } = instance;
    const installed = await install();
    mkdirSync(join(folder, "data"), { recursive: true });
    return {
      command: join(installed, "versitygw"),
      args: ["--port", `127.0.0.1:${port}`, ...webhook(instance), "posix", join(folder, "data")],
      folder,
      environment: {
        PATH: process.env["PATH"],
        HOME: folder,
        ROOT_ACCESS_KEY: AWS_CREDENTIALS.accessKeyId,
        ROOT_SECRET_KEY: AWS_CREDENTIALS.secretAccessKey,
      },
      log: join(folder, "output.log"),
    };
  },

  isReady: ({ port }) => takesConnections(port),

  address: ({ port }) => ({ endpoint: `http://127.0.0.1:${port}`, ...AWS_CREDENTIALS }),
};

/** The address that events are sent to: it has to answer when the server starts. */
function webhook({ settings }: Instance): string[] {
  const { webhook: url } = settings;
  return url === undefined ? [] : ["--event-webhook-url", String(url)];
}

function needGo(): string {
  return needCommand("go", "compile versitygw", ["golang-go"]);
}

/** Compiled from the module; Go checks it against its checksum database. Takes minutes, once. */
function install(): Promise<string> {
  return installOnce(FOLDER, async (staging) => {
    const module = `github.com/versity/versitygw/cmd/versitygw@v${version}`;
    await run(needGo(), ["install", module], { env: { ...process.env, GOBIN: staging } });
  });
}
