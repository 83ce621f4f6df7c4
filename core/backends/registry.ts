/** The backends known by name: what `open()` uses unless it is given others. */

import { connectionOptions, indexOptions } from "../backend-settings.ts";
import { NearsightError } from "../errors.ts";
import { codeUrl } from "../location.ts";
import type { BackendDriver } from "./backend.ts";
import { local } from "./local/driver.ts";

export type { BackendDriver } from "./backend.ts";
export { local };

/** Backends that can be chosen by name. Those of servers are loaded when they are first connected to. */
export const BACKENDS: readonly BackendDriver[] = [local, onDemand("milvus"), onDemand("elasticsearch")];

/**
 * The driver `NAME/NAME.ts`, loaded on its first connection. Bundlers leave an address alone that they cannot read:
 * a bundle holds the drivers that its program gives to `open()`, and no others.
 */
function onDemand(name: string): BackendDriver {
  return {
    name,
    connectionOptions: connectionOptions(name),
    indexOptions: indexOptions(name),
    async connect(place, options) {
      return (await load(name)).connect(place, options);
    },
  };
}

async function load(name: string): Promise<BackendDriver> {
  const { href } = codeUrl(`backends/${name}/${name}`);
  try {
    const loaded: Readonly<Record<string, BackendDriver | undefined>> = await import(href);
    const driver = loaded[name];
    if (driver !== undefined) return driver;
    throw new Error(`${href} exports no ${name}`);
  } catch (error) {
    throw new NearsightError({
      code: "PACKAGE_MISSING",
      message: `The driver of backend '${name}' could not be loaded`,
      hint: `In a bundle give it to open(): import { ${name} } from "nearsight/${name}"; await open({ backends: [${name}] })`,
      details: { backend: name },
      cause: error,
    });
  }
}
