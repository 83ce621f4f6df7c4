/** The worker thread of one ONNX session. */

import { serveWorker, transferring } from "../worker.ts";
import type { RunCall, SessionSetup } from "./onnx.ts";
import { openRuntimeSession, preloadRuntime, type RuntimeSession } from "./onnx-runtime.ts";

serveWorker(() => {
  let session: RuntimeSession | undefined;
  return {
    load: preloadRuntime,
    open({ path, options }: SessionSetup) {
      session = openRuntimeSession(path, options);
    },
    async run({ feeds, output }: RunCall) {
      if (session === undefined) throw new Error("A run came before its session was opened");
      const result = await session.run(feeds, output);
      return transferring(result, [result.data.buffer as ArrayBuffer]);
    },
    close: () => session?.close(),
  };
});
