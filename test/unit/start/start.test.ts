/** What a program loads, and when: nothing before it is needed. */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../support/temporary.ts";

type Step = "import" | "open" | "dataset" | "model";

const PROGRAM = fileURLToPath(new URL("./load-modules.ts", import.meta.url));
const steps: Readonly<Record<Step, readonly string[]>> = JSON.parse(
  execFileSync(process.execPath, [PROGRAM, temporaryFolder()], { encoding: "utf8" }),
);

/** Names of the packages that a step is the first to load. */
function packagesIn(step: Step): string[] {
  const names = steps[step].flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []);
  return [...new Set(names)].sort();
}

describe("a program", () => {
  test("imports a part of the library, and of its packages only what checks views", () => {
    expect(packagesIn("import")).toEqual(["zod"]);
    const sources = steps.import.filter((path) => path.startsWith("core/"));
    expect(sources.length).toBeLessThan(70);
    expect(sources.filter((path) => /^core\/(brain|store\/(?!sqlite-(store|thread)))/.test(path))).toEqual(
      [],
    );
  });

  test("loads the rest when it opens an installation: statements and brain, no codec and no runtime", () => {
    expect(packagesIn("open")).toEqual(["kysely", "p-map"]);
    expect(steps.open).toEqual(expect.arrayContaining(["core/nearsight.ts", "core/store/metadata-store.ts"]));
  });

  test("has then what data sets, views and models need", () => {
    expect([...steps.dataset, ...steps.model]).toEqual([]);
  });

  test("ends by itself after it has loaded a model that it does not use", () => {
    const code = `import { loadZooModel } from "${new URL("../../../core/index.ts", import.meta.url)}";
      console.log((await loadZooModel("nearsight-tiny")).dimension);`;
    const environment = { ...process.env, NEARSIGHT_HOME: temporaryFolder() };
    const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", code], {
      encoding: "utf8",
      env: environment,
      timeout: 50_000,
    });
    expect(printed).toBe("512\n");
  });
});
