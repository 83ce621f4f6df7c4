/** What there is to know of a server in order to install, start and find it. */

import type { Address, ServerName, Variant } from "./catalogue.ts";
import type { Launch } from "./processes.ts";

/** One server that runs or is about to. */
export interface Instance {
  readonly name: ServerName;
  readonly variant: Variant;
  readonly port: number;
  /** Its data, logs and configuration. */
  readonly folder: string;
  /** Settings of the server's own, by their names in its configuration file. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
}

export interface Recipe {
  /** Throws MissingTool where a system tool is not there. */
  needs(variant: Variant): Promise<void>;
  /** Installs what is not installed yet. */
  install(): Promise<void>;
  /** Writes the instance's configuration and says how to start it. */
  prepare(instance: Instance): Promise<Launch>;
  /** Whether it answers requests. */
  isReady(instance: Instance): Promise<boolean>;
  address(instance: Instance): Address;
}
