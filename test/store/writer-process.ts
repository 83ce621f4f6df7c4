/** A process of its own that writes to a store, for the tests of several processes. */

import { newId } from "../../core/ids.ts";
import { openAt } from "./places.ts";
import { newSample } from "./records.ts";

const [place = "", dataset = "", task = "", runId = ""] = process.argv.slice(2);
const store = await openAt(place);
const { id } = (await store.datasets.get(dataset)) ?? { id: "" };

if (task === "add") {
  // Chunks of 50, each told to the parent once it is kept; 0 chunks is "until killed".
  for (let chunk = 0; ; chunk++) {
    const samples = Array.from({ length: 50 }, () =>
      newSample({ id: newId(), fields: { chunk }, tags: [`p${process.pid}`] }),
    );
    await store.samples.add(id, samples);
    process.stdout.write(`${samples.map((sample) => sample.id).join(",")}\n`);
    if (chunk === 19 && runId === "twenty") break;
  }
} else {
  for (let round = 0; round < 60; round++) {
    const run = await store.runs.acquireLease(runId, `process ${process.pid}`, 60_000);
    if (run === null) continue;
    process.stdout.write(`${run.epoch}\n`);
    await store.runs.releaseLease(runId, run.epoch, {});
  }
}
await store.close();
