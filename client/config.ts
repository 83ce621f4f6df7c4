/** The settings of a connection: what the server tells of its own. */

import type { Config } from "../core/index.ts";
import type { Service } from "./remote.ts";
import { unsupported } from "./unsupported.ts";

/** Folders, secrets and backends are the server's own business. */
export function remoteConfig(url: string, service: Service): Config {
  const { defaultSimilarityBackend, defaultVisualizationMethod, version } = service;
  const values = { url, serverVersion: version, defaultSimilarityBackend, defaultVisualizationMethod };
  const hidden = (name: string) => unsupported(`config.${name}`, "the settings are the server's");
  return {
    defaultSimilarityBackend,
    defaultVisualizationMethod,
    get home() {
      return hidden("home");
    },
    get cache() {
      return hidden("cache");
    },
    get hubEndpoint() {
      return hidden("hubEndpoint");
    },
    get hubToken() {
      return hidden("hubToken");
    },
    get embeddingCacheBytes() {
      return hidden("embeddingCacheBytes");
    },
    backendOptions: () => ({}),
    visualizationOptions: () => ({}),
    rows: () =>
      Object.entries(values).map(([name, value]) => ({
        ...{ name, value, origin: url, secret: false },
        source: "argument" as const,
      })),
  };
}
