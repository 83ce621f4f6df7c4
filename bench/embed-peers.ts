/** Pictures to vectors beside transformers.js and Python, in turns, on one ONNX file and one machine. */

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { decodeImage } from "../core/index.ts";
import { loadSharp } from "../core/media/sharp.ts";
import { open } from "../core/nearsight.ts";
import { prepareEfficientNet, preparePython, prepareTransformers } from "../test/support/parity-setup.ts";
import { type Child, startChild } from "./support/child.ts";
import { inTurns, machineFacts, median, OURS, publish } from "./support/report.ts";

const { values } = parseArgs({
  options: { pictures: { type: "string", default: "128" }, rounds: { type: "string", default: "5" } },
});

interface Round {
  readonly ms: number;
  readonly rows: number;
  readonly cpuMs: number;
  readonly peakMb: number;
}

// Its own start is compared with that of packages: from the sources it would strip types first.
execFileSync(process.execPath, [join(import.meta.dirname, "../tools/build.ts")], { stdio: "inherit" });

const work = mkdtempSync(join(tmpdir(), "nearsight-bench-"));
const children: Child[] = [];
try {
  const pictures = await writePhotos(Number(values.pictures));
  const python = await preparePython();
  const model = join(await prepareEfficientNet(python), "efficientnet-lite0");
  const transformers = join(dirname(await prepareTransformers()), "bench.mjs");
  const support = join(import.meta.dirname, "support");
  copyFileSync(join(support, "embed-transformers.mjs"), transformers);

  const programs: Readonly<Record<string, readonly [string, string]>> = {
    [OURS]: [process.execPath, join(support, "embed-nearsight.ts")],
    "transformers.js": [process.execPath, transformers],
    "Pillow + onnxruntime": [python, join(support, "embed-pillow.py")],
  };
  const start = (name: string) => {
    const [program, script] = programs[name] ?? ["", ""];
    return startChild(program, [script, model, ...pictures], { cwd: dirname(script) });
  };

  // A process each time: what somebody waits for who asks for one vector.
  const starts = await inTurns(
    Math.min(3, Number(values.rounds)),
    Object.fromEntries(
      Object.keys(programs).map((name) => [
        name,
        async () => {
          const child = await start(name);
          await child.close();
          return child.startMs;
        },
      ]),
    ),
  );

  const last: Record<string, Round> = {};
  const contenders: Record<string, () => Promise<number>> = {};
  for (const name of Object.keys(programs)) {
    const child = await start(name);
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
    cases: [
      { name: `${pictures.length} pictures`, times },
      { name: "start of a process to the first vector", times: starts },
    ],
  });
} finally {
  for (const child of children) await child.close();
  rmSync(work, { recursive: true, force: true });
}

/** The scenes of the zoo as photographs are kept: JPEG, 640 x 480, quality 85. */
async function writePhotos(count: number): Promise<string[]> {
  const sharp = await loadSharp();
  mkdirSync(join(work, "pictures"));
  await using ns = await open({ config: { home: join(work, "home") } });
  const scenes = await (await ns.loadZooDataset("quickstart")).values<string>("filepath");
  const paths: string[] = [];
  for (let i = 0; i < count; i++) {
    const { data, width, height } = await decodeImage(scenes[i % scenes.length] ?? "");
    const picture = sharp(data, { raw: { width, height, channels: 3 } }).resize(640, 480);
    const path = join(work, "pictures", `${i}.jpg`);
    await writeFile(path, await picture.jpeg({ quality: 85 }).toBuffer());
    paths.push(path);
  }
  return paths;
}
