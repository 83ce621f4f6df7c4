/** Pictures to vectors beside transformers.js and Python, in turns, on one ONNX file and one machine. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Child } from "./support/child.ts";
import { buildPackage, prepareEmbedders, writePhotos } from "./support/embedders.ts";
import { inTurns, machineFacts, median, publish } from "./support/report.ts";

const { values } = parseArgs({
  options: { pictures: { type: "string", default: "128" }, rounds: { type: "string", default: "5" } },
});

interface Round {
  readonly ms: number;
  readonly rows: number;
  readonly cpuMs: number;
  readonly peakMb: number;
}

buildPackage();
const work = mkdtempSync(join(tmpdir(), "nearsight-bench-"));
const children: Child[] = [];
try {
  const pictures = await writePhotos(work, Number(values.pictures));
  const starters = await prepareEmbedders(pictures);

  const last: Record<string, Round> = {};
  const contenders: Record<string, () => Promise<number>> = {};
  for (const [name, start] of Object.entries(starters)) {
    const child = await start();
    children.push(child);
    contenders[name] = async () => {
      const round = await child.ask<Round>({});
      if (round.rows !== pictures.length) throw new Error(`${name} embedded ${round.rows} pictures`);
      last[name] = round;
      return round.ms;
    };
  }
  const times = await inTurns(Number(values.rounds), contenders);
  const perSecond = Object.entries(times).map(([name, laps]) => {
    const { cpuMs = 0, peakMb = 0 } = last[name] ?? {};
    const rate = ((pictures.length / median(laps)) * 1000).toFixed(0);
    return [name, `${rate} images/s, ${(cpuMs / pictures.length).toFixed(1)} CPU ms each, peak ${peakMb} MB`];
  });
  await publish("embed", {
    title: "Pictures to vectors: EfficientNet-Lite0 float32, JPEG 640 x 480, batches of 8",
    facts: { ...machineFacts(), pictures: pictures.length, ...Object.fromEntries(perSecond) },
    cases: [{ name: `${pictures.length} pictures`, times }],
  });
} finally {
  for (const child of children) await child.close();
  rmSync(work, { recursive: true, force: true });
}
