/** The worker thread of one ONNX session. */

import { serveWorker, transferring } from "../worker.ts";
import type { RunCall, SessionSetup } from "./onnx.ts";
import { openRuntimeSession } from "./onnx-runtime.ts";

serveWorker(({ path, options }: SessionSetup) => {
  const session = openRuntimeSession(path, options);
  return {
    async run({ feeds, output }: RunCall) {
      const result = await session.run(feeds, output);
      return transferring(result, [result.data.buffer as ArrayBuffer]);
    },
    close: () => session.close(),
  };
});
