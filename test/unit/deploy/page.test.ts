/** What docs/deploy.md tells of functions, settings and secrets is what a deployment has. */

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { ROLES } from "../../../deploy/roles.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const page = read("docs/deploy.md");

/** Texts that a pattern finds in a source, each once. */
function named(path: string, pattern: RegExp): string[] {
  return [...new Set([...read(path).matchAll(pattern)].map(([, name = ""]) => name))];
}

describe("docs/deploy.md", () => {
  test.each(Object.entries(ROLES))("tells memory and time of %s", (role, { megabytes, seconds }) => {
    const [, , memory, most] = rowOf(role);
    const time = seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
    expect([memory, most]).toEqual([`${megabytes.toLocaleString("en-US")} MB`, time]);
  });

  test.each(named("deploy/settings.ts", /"(DEPLOY_\w+)"/g))("has a row for %s", (variable) => {
    expect(page).toMatch(new RegExp(`^\\| .*\`${variable}\`.* \\|`, "m"));
  });

  test.each(named("deploy/secrets.ts", /"((?:NearsightApi|NearsightStore|Zilliz|Elastic)\w+)"/g))(
    "tells how to set the secret %s",
    (secret) => {
      expect(page).toMatch(new RegExp(`sst secret set ${secret} |\`${secret}\``));
    },
  );
});

/** Cells of the row of a function. */
function rowOf(role: string): string[] {
  const row = page.split("\n").find((line) => line.startsWith(`| ${role} |`)) ?? "";
  return row
    .split("|")
    .slice(1)
    .map((cell) => cell.trim());
}
