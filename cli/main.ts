/** The `nearsight` command: parses, calls core, prints, and turns errors into exit codes. */

import { Command, CommanderError, Option } from "commander";
import { VERSION } from "../core/index.ts";
import { addConfigCommand } from "./commands/config.ts";
import { addDatasetsCommand } from "./commands/datasets.ts";
import { addDoctorCommand } from "./commands/doctor.ts";
import { addDuplicatesCommand } from "./commands/duplicates.ts";
import { addEmbeddingsCommand } from "./commands/embeddings.ts";
import { addExportCommand } from "./commands/export.ts";
import { addImportCommand } from "./commands/import.ts";
import { addIndexCommand } from "./commands/index.ts";
import { addModelsCommand } from "./commands/models.ts";
import { addQuickstartCommand } from "./commands/quickstart.ts";
import { addRunsCommand } from "./commands/runs.ts";
import { addSearchCommand } from "./commands/search.ts";
import { addSyncCommand } from "./commands/sync.ts";
import { addUniqueCommand } from "./commands/unique.ts";
import { EXIT, errorText, exitCodeOf } from "./errors.ts";
import type { GlobalOptions } from "./session.ts";

/** Runs a command line and sets the exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  // `nearsight … | head` closes the pipe early; that is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.ok);
    throw error;
  });
  const program = createProgram();
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    // Commander has printed its own message, help or version already.
    if (error instanceof CommanderError) return;
    const { json = false, debug = false } = program.opts<GlobalOptions>();
    process.stderr.write(errorText(error, { json, debug }));
  }
}

function createProgram(): Command {
  const program = new Command("nearsight")
    .description("Vision similarity search: index images or the objects in them, find similar ones.")
    .version(VERSION, "-V, --version", "print the version")
    .option("--json", "print one JSON value instead of text")
    .option("--debug", "show stack and cause of errors")
    .addOption(new Option("--url <url>", "work on a nearsight server").env("NEARSIGHT_URL"))
    .addOption(new Option("--api-key <key>", "the key for that server").env("NEARSIGHT_API_KEY"))
    .helpOption("-h, --help", "print help")
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText(
      "after",
      "\nFirst steps:\n  npx nearsight quickstart\n\nExit codes: 0 done, 1 error, 2 wrong usage, 3 not found, 4 some media failed, 130 stopped.",
    );
  addQuickstartCommand(program);
  addIndexCommand(program);
  addSearchCommand(program);
  addDuplicatesCommand(program);
  addUniqueCommand(program);
  addImportCommand(program);
  addExportCommand(program);
  addSyncCommand(program);
  addDatasetsCommand(program);
  addRunsCommand(program);
  addEmbeddingsCommand(program);
  addModelsCommand(program);
  addConfigCommand(program);
  addDoctorCommand(program);
  for (const command of allCommands(program)) {
    command.copyInheritedSettings(program);
    command.configureOutput({ outputError: (text, write) => write(usageText(text, command)) });
  }
  return program;
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

function usageText(text: string, command: Command): string {
  const path = [];
  for (let one: Command | null = command; one !== null; one = one.parent) path.unshift(one.name());
  return `${text.trimEnd()}\nhint:  ${path.join(" ")} --help\n`;
}
