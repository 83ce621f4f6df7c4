/** How tests get at data sets: in this process, or over HTTP where a test file says so first. */

import type { Datasets, Nearsight } from "../../core/index.ts";

let isRemote = false;

/** From here on the tests of this file use `connect`; to be called before they are imported. */
export function useHttp(): void {
  isRemote = true;
}

/** The installation, or the data sets alone, as tests use them. Closing them closes what was opened. */
export async function throughDoor<Opened extends Datasets>(opened: Opened): Promise<Opened> {
  return isRemote ? connected(opened) : opened;
}

async function connected<Opened extends Datasets>(opened: Opened): Promise<Opened> {
  // Other tests do not wait for the server to be loaded.
  const [{ serveNearsight }, { connect }] = await Promise.all([
    import("./http-server.ts"),
    import("../../client/index.ts"),
  ]);
  const nearsight = { ...BARE, ...opened } as unknown as Nearsight;
  const server = await serveNearsight(nearsight);
  const remote = await connect(server.url, { apiKey: server.keys.manage });
  const close = async () => {
    await remote.close();
    await server.close();
    await nearsight.close();
  };
  return { ...opened, ...remote, close, [Symbol.asyncDispose]: close };
}

/** What a server tells of an installation that is data sets alone. */
const BARE = {
  config: { defaultSimilarityBackend: "none", defaultVisualizationMethod: "none" },
  listZooDatasets: () => [],
  listZooModels: () => [],
  close: async () => {},
};
