/** `nearsight doctor`: looks at the installation, its indexes and their media, and repairs what it can. */

import type { Command } from "commander";
import type { Check } from "../../core/index.ts";
import { EXIT, inOurWords } from "../errors.ts";
import { paint } from "../output.ts";
import { createProgress } from "../progress.ts";
import { type Session, withSession } from "../session.ts";

interface DoctorOptions {
  readonly deep?: boolean;
  readonly media?: boolean;
  readonly repair?: boolean;
}

export function addDoctorCommand(program: Command): void {
  program
    .command("doctor")
    .description("check the store, the default model and every index; repair what is out of step")
    .argument("[dataset]", "look only at the indexes of this data set")
    .option("--deep", "compare every entry with its backend, also where the numbers agree")
    .option("--media", "look whether each indexed file is there and unchanged")
    .option("--repair", "bring indexes back in step with the store")
    .addHelpText("after", "\nThe exit code is 1 where something is wrong.")
    .action((dataset: string | undefined, options: DoctorOptions, command: Command) =>
      withSession(command, (session) => examine(session, dataset, options), { stoppable: true }),
    );
}

async function examine(
  { ns, output, signal }: Session,
  dataset: string | undefined,
  options: DoctorOptions,
): Promise<void> {
  const progress = await createProgress({ label: "media", unit: "files", quiet: output.json });
  const report = await ns
    .doctor({ ...options, ...(dataset === undefined ? {} : { dataset }), signal, progress: progress.update })
    .finally(() => progress.stop());
  let subject = "";
  for (const check of report.checks) {
    if (check.subject !== subject) output.heading(check.subject);
    subject = check.subject;
    output.line(`  ${MARKS[check.status]()} ${check.name}: ${check.message}`);
    if (check.hint !== undefined) output.line(`    ${paint("cyan", "hint:")} ${inOurWords(check.hint)}`);
  }
  output.result(report);
  if (!report.healthy) process.exitCode = EXIT.failed;
}

const MARKS: Readonly<Record<Check["status"], () => string>> = {
  ok: () => paint("green", "✓"),
  repaired: () => paint("green", "✓ repaired"),
  warning: () => paint("yellow", "!"),
  error: () => paint("red", "✗"),
};
