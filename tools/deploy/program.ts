/**
 * Runs sst.config.ts against a cloud that is made up, and notes what it asks for. Bundled with the configuration and
 * SST's components by evaluate.ts, and run in a process of its own: Pulumi's state is the process's.
 */

import { writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { ACCOUNT, answered, created, REGION } from "./cloud.ts";

type Values = Record<string, unknown>;

/** A resource as the deployment asks for it. */
export interface AskedResource {
  readonly type: string;
  readonly name: string;
  readonly inputs: Values;
  /** Whether it stays when the deployment is removed. */
  readonly retained: boolean;
}

/** What SST's command line is asked to make of a function. */
export interface AskedBuild {
  readonly functionID: string;
  readonly bundle: string;
  readonly handler: string;
  readonly runtime: string;
  /** What the function finds under `Resource`. */
  readonly links: Readonly<Record<string, Values>>;
  /** Functions that were whole by then. */
  readonly after: readonly string[];
}

export interface Asked {
  readonly resources: AskedResource[];
  readonly builds: AskedBuild[];
  readonly outputs: Values;
}

/** What is used of `@pulumi/pulumi`, which only the platform has. */
interface Pulumi {
  output(value: unknown): { apply(then: (value: Values) => void): void };
  runtime: {
    setMocks(mocks: object, project: string, stack: string, preview: boolean): Promise<void>;
    runInPulumiStack(program: () => Promise<unknown>): Promise<unknown>;
    registerStackTransformation(transformation: (made: Made) => undefined): void;
  };
}

interface Made {
  readonly name: string;
  readonly type: string;
  readonly opts: { readonly retainOnDelete?: boolean };
}

/** Evaluates a configuration and writes what it asked for to `file`; what it throws ends the process. */
export async function evaluate(
  pulumi: Pulumi,
  run: (program: () => Promise<unknown>) => Promise<unknown>,
  program: () => Promise<unknown>,
  { file, code, name, stage }: { file: string; code: string; name: string; stage: string },
): Promise<void> {
  const resources: AskedResource[] = [];
  const retained = new Set<string>();
  const builds: AskedBuild[] = [];
  const note = (build: AskedBuild) => builds.push({ ...build, after: functionsIn(resources) });
  const commandLine = await serveCommandLine(note, code);
  await pulumi.runtime.setMocks(mocksFor(resources, retained), name, stage, false);
  const outputs = await pulumi.runtime.runInPulumiStack(() =>
    run(() => {
      pulumi.runtime.registerStackTransformation(({ name, type, opts }) => {
        if (opts.retainOnDelete) retained.add(`${type} ${name}`);
      });
      return program();
    }),
  );
  let shown: Values = {};
  pulumi.output(outputs).apply((known) => {
    shown = known;
  });
  // Pulumi goes on until nothing is left to do.
  process.once("beforeExit", () => {
    commandLine.close();
    writeFileSync(file, JSON.stringify({ resources, builds, outputs: shown } satisfies Asked));
  });
}

function functionsIn(resources: readonly AskedResource[]): string[] {
  return resources.filter(({ type }) => type === "aws:lambda/function:Function").map(({ name }) => name);
}

function mocksFor(resources: AskedResource[], retained: ReadonlySet<string>) {
  return {
    newResource({ type, name, inputs }: { type: string; name: string; inputs: Values }) {
      const shown = withoutMarks(inputs) as Values;
      resources.push({ type, name, inputs: shown, retained: retained.has(`${type} ${name}`) });
      // Under the names in the configuration, which say more than those that SST makes of them.
      return { id: `${name}-id`, state: { ...inputs, ...created(type, name) } };
    },
    call: ({ token, inputs }: { token: string; inputs: Values }) =>
      answered(token, withoutMarks(inputs) as Values),
  };
}

/** Pulumi's mark of a secret, and of what follows from one: https://www.pulumi.com/docs/iac/concepts/secrets/ */
const SECRET_MARK = "4dabf18193072939515e22adb298388d";

/** Values as AWS would get them, with secrets in the clear. */
function withoutMarks(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutMarks);
  if (typeof value !== "object" || value === null) return value;
  if (SECRET_MARK in value) return withoutMarks((value as { value?: unknown }).value);
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withoutMarks(part)]));
}

/** The methods of SST's command line that components call while it deploys. */
async function serveCommandLine(note: (build: AskedBuild) => void, code: string) {
  const methods: Record<string, (argument: AskedBuild) => unknown> = {
    "Provider.Aws.Bootstrap": () => ({ asset: "assets", state: "state", region: REGION, account: ACCOUNT }),
    "Runtime.Build": (build) => {
      note(build);
      return { handler: build.handler, out: code, errors: [], sourcemaps: [] };
    },
  };
  const server = createServer(async (request: IncomingMessage, response) => {
    const { method, params } = JSON.parse(await text(request)) as { method: string; params: [AskedBuild] };
    const answer = methods[method];
    const error = `rpc: can't find method ${method}`;
    response.end(JSON.stringify(answer === undefined ? { error } : { result: answer(params[0]) }));
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  server.unref();
  process.env["SST_SERVER"] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return server;
}
