/** The local backend's worker thread: owns the SQLite files and runs the scans. */

import { serveWorker, type WorkerHandlers } from "../../worker.ts";
import { engine } from "./engine.ts";
import type { WorkerSetup } from "./protocol.ts";

serveWorker<WorkerSetup>((setup) => engine(setup) as unknown as WorkerHandlers);
