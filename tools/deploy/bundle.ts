/** Bundles sst.config.ts as SST's command line does, into two programs that can be run without it. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { sstPlatform } from "./platform.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const CONFIG = join(ROOT, "sst.config.ts");

const BUNDLE = {
  bundle: true,
  format: "esm",
  platform: "node",
  mainFields: ["module", "main"],
  logLevel: "silent",
  write: true,
} as const satisfies BuildOptions;

const COMMONJS_IN_A_MODULE = `
import { createRequire as createRequireHere } from "node:module";
const require = createRequireHere(import.meta.url);
const __filename = import.meta.filename;
const __dirname = import.meta.dirname;
`;

/** What is run for each evaluation, made once a process. */
export interface Programs {
  /** Prints what `app()` says of a stage. */
  readonly appProgram: string;
  /** Runs `run()` and writes down what it asks for. */
  readonly stackProgram: string;
  readonly platform: string;
}

/** The programs, deleted when this process ends. */
export async function bundlePrograms(): Promise<Programs> {
  const platform = join(await sstPlatform(), ".sst/platform");
  // Beside the platform's packages, which they import.
  const folder = mkdtempSync(join(platform, "evaluate-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const [appProgram, stackProgram] = [join(folder, "app.mjs"), join(folder, "stack.mjs")];
  await Promise.all([bundleApp(appProgram), bundleStack(platform, stackProgram)]);
  return { appProgram, stackProgram, platform };
}

/** `app()` by itself: SST's command line reads it before there is anything else. */
async function bundleApp(outfile: string): Promise<void> {
  await build({
    ...BUNDLE,
    banner: { js: "const $config = (config) => config;" },
    outfile,
    stdin: {
      contents: `
        import config from ${JSON.stringify(CONFIG)};
        console.log(JSON.stringify(config.app({ stage: process.argv[2] })));
      `,
      resolveDir: ROOT,
      loader: "ts",
    },
  });
}

/** The configuration with SST's components, as SST's command line bundles it before it deploys. */
async function bundleStack(platform: string, outfile: string): Promise<void> {
  const imports = [
    "@pulumi/pulumi",
    `${platform}/src/auto/run.ts`,
    `${ROOT}/tools/deploy/program.ts`,
    CONFIG,
  ];
  const [pulumi, run, program, config] = imports.map((path) => JSON.stringify(path));
  await build({
    ...BUNDLE,
    banner: { js: `${COMMONJS_IN_A_MODULE}\nconst { $app, $cli, $dev } = JSON.parse(process.argv[2]);` },
    inject: [join(platform, "src/shim/run.js")],
    external: ["@pulumi/*", "@aws-sdk/*", "archiver", "esbuild", "glob", "undici", "vite"],
    nodePaths: [join(platform, "node_modules")],
    plugins: [globalsOf(platform)],
    outfile,
    stdin: {
      contents: `
        import * as pulumi from ${pulumi};
        import { run } from ${run};
        import { evaluate } from ${program};
        import config from ${config};
        const [file, code] = process.argv.slice(3);
        await evaluate(pulumi, run, config.run, { file, code, name: $app.name, stage: $app.stage });
      `,
      resolveDir: ROOT,
      loader: "ts",
    },
  });
}

/** Puts SST's globals before every source that is not SST's own. */
function globalsOf(platform: string): NonNullable<BuildOptions["plugins"]>[number] {
  const globals = `import * as aws from "@pulumi/aws"; import * as sst from ${JSON.stringify(join(platform, "src/components"))};`;
  return {
    name: "globals",
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) =>
        path.includes(".sst")
          ? null
          : { contents: `${globals}\n${readFileSync(path, "utf8")}`, loader: "ts" },
      );
    },
  };
}
