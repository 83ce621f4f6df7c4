/** `nearsight config`: every setting, its value, and where it came from. */

import type { Command } from "commander";
import type { SettingRow } from "../../core/index.ts";
import { paint } from "../output.ts";
import { withSession } from "../session.ts";

export function addConfigCommand(program: Command): void {
  program
    .command("config")
    .description("show settings and where they come from; secrets are masked")
    .option("--all", "settings without a value too")
    .action((options: { all?: boolean }, command: Command) =>
      withSession(command, async ({ ns, output }) => {
        const rows = ns.config.rows();
        const shown = rows.filter((row) => options.all || row.value !== undefined);
        output.table(
          [{ name: "setting" }, { name: "value" }, { name: "from", flexible: true }],
          shown.map((row) => [row.name, valueText(row), originText(row)]),
        );
        const hidden = rows.length - shown.length;
        if (hidden > 0) output.line(paint("dim", `\n  ${hidden} settings have no value; --all lists them`));
        output.result({ settings: rows.map((row) => ({ ...row, value: row.value ?? null })) });
      }),
    );
}

function valueText({ value }: SettingRow): string {
  if (value === undefined) return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function originText({ source, origin }: SettingRow): string {
  return origin === null ? source : `${source}: ${origin}`;
}
