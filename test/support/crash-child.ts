/** A program of its own for the crash tests: does one task with the installation named, and may be killed. */

import { isNearsightError } from "../../core/errors.ts";
import { LEFT_OPEN, openHome, TASKS } from "./crash-tasks.ts";

const [home = "", task = ""] = process.argv.slice(2);
try {
  const ns = await openHome(home, (items) => process.stdout.write(`embedded ${items}\n`));
  const outcome = await TASKS[task]?.(ns, await ns.loadDataset("crash"));
  if (outcome !== LEFT_OPEN) await ns.close();
  console.log("done");
} catch (error) {
  console.log(isNearsightError(error) ? `${error.code} ${error.hint}` : `unexpected ${String(error)}`);
}
