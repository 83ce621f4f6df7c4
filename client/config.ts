/** The settings of a connection: what the server tells of its own. */

import type { Config } from "../core/index.ts";
import type { Service } from "./remote.ts";
import { unsupported } from "./unsupported.ts";

/** Folders, secrets and options of backends are the server's own business. */
const HIDDEN = ["home", "store", "cache", "hubEndpoint", "hubToken", "s3", "embeddingCacheBytes"] as const;

/** Settings that a server keeps to itself throw REMOTE_UNSUPPORTED when they are read. */
export function remoteConfig(url: string, service: Service): Config {
  const { defaultSimilarityBackend, defaultVisualizationMethod, version } = service;
  const told = { url, serverVersion: version, defaultSimilarityBackend, defaultVisualizationMethod };
  const config: Omit<Config, (typeof HIDDEN)[number]> = {
    defaultSimilarityBackend,
    defaultVisualizationMethod,
    backendOptions: () => ({}),
    visualizationOptions: () => ({}),
    rows: () =>
      Object.entries(told).map(([name, value]) => ({
        ...{ name, value, origin: url, secret: false },
        source: "argument" as const,
      })),
  };
  // Not enumerable, so that a connection can be printed and copied.
  const hidden = HIDDEN.map((name) => {
    const get = () => unsupported(`config.${name}`, "the settings are the server's");
    return [name, { get }] as const;
  });
  return Object.defineProperties(config, Object.fromEntries(hidden)) as Config;
}
