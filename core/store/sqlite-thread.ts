/** The thread in which SQLite runs. It starts while what makes queries is still being loaded. */

import { codeUrl } from "../location.ts";
import { startWorker, type WorkerClient } from "../worker.ts";

/** Opens (or makes) the file in a thread of its own; throws STORE_UNUSABLE or STORE_TOO_NEW before it returns. */
export async function startSqlite(path: string): Promise<WorkerClient> {
  const thread = startWorker(codeUrl("store/sqlite-worker"), { path });
  try {
    await thread.call("ready");
  } catch (error) {
    await thread.close();
    throw error;
  }
  return thread;
}
