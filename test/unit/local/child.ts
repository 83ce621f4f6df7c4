/** A process of its own for tests: works on a folder of indexes as its arguments say, and may kill itself. */

import { DatabaseSync, StatementSync } from "node:sqlite";
import { engine } from "../../../core/backends/local/engine.ts";
import { localBackend } from "../../../core/backends/local/local.ts";
import { headerOf } from "../../../core/backends/local/spec.ts";
import { isNearsightError } from "../../../core/errors.ts";
import { matrix } from "../../../core/matrix.ts";

const [command = "", folder = "", ...rest] = process.argv.slice(2);

/** Entries of batch `number`: `rows` ids with the prefix, each vector full of that number. */
function batchOf(prefix: string, number: number, rows: number) {
  const ids = Array.from({ length: rows }, (_, row) => `${prefix}${row}`);
  const data = new Float32Array(rows * 4).fill(number);
  return { ids, sampleIds: ids.map(() => String(number)), vectors: matrix(data, 4) };
}

/** Kills this process before the given statement of all that change the database, transaction ends included. */
function killBefore(point: number): void {
  let count = 0;
  const step = (): void => {
    if (++count === point) process.kill(process.pid, "SIGKILL");
  };
  const { run } = StatementSync.prototype;
  StatementSync.prototype.run = function (...values: unknown[]) {
    step();
    return Reflect.apply(run, this, values);
  };
  const { exec } = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function (sql) {
    if (sql === "COMMIT") step();
    return Reflect.apply(exec, this, [sql]);
  };
}

const COMMANDS: Readonly<Record<string, () => Promise<void> | void>> = {
  /** `write FOLDER NAME PREFIX BATCHES ROWS`: batches of different ids. */
  async write() {
    const [name = "", prefix = "", batches = "", rows = ""] = rest;
    const backend = localBackend({ folder });
    const collection = await backend.open(name);
    const stream = async function* () {
      for (let i = 0; i < Number(batches); i++) yield batchOf(`${prefix}${i}_`, i + 1, Number(rows));
    };
    console.log(JSON.stringify(await collection.upsert(stream())));
    await backend.close();
  },
  /** `create FOLDER NAME`: prints "made" or the code. */
  async create() {
    const backend = localBackend({ folder });
    const made = await backend.create({ name: rest[0] ?? "", dimension: 4, metric: "euclidean" }).then(
      () => "made",
      (error: unknown) => (isNearsightError(error) ? error.code : String(error)),
    );
    console.log(made);
    await backend.close();
  },
  /** `replace FOLDER NAME`: drops the collection and makes another of 8 numbers with one entry. */
  async replace() {
    const backend = localBackend({ folder });
    const name = rest[0] ?? "";
    await (await backend.open(name)).drop();
    const collection = await backend.create({ name, dimension: 8, metric: "cosine" });
    const entry = { ids: ["only"], sampleIds: ["s"], vectors: matrix(new Float32Array(8).fill(1), 8) };
    await collection.upsert(
      (async function* () {
        yield entry;
      })(),
    );
    console.log("replaced");
    await backend.close();
  },
  /** `crash FOLDER NAME POINT`: writes the same 100 ids with ever new numbers, and dies at the point. */
  crash() {
    const [name = "", point = ""] = rest;
    const worker = engine({ folder, simd: true, memoryLimit: 1e9, threads: 1 });
    worker.create({ name, header: headerOf({ name, dimension: 4, metric: "euclidean" }), meta: "{}" });
    killBefore(Number(point));
    for (let number = 1; number <= 20; number++) {
      const { vectors, ...entries } = batchOf("same", number, 100);
      worker.upsert({ name, ...entries, data: vectors.data, dimension: 4 });
      const more = batchOf(`new${number}_`, number, 30);
      worker.upsert({
        name,
        ids: more.ids,
        sampleIds: more.sampleIds,
        data: more.vectors.data,
        dimension: 4,
      });
      worker.delete({ name, ids: more.ids.slice(0, 10) });
      process.stdout.write(`${number}\n`);
    }
  },
  /** `crash-create FOLDER NAME POINT`: dies while it makes a collection. */
  "crash-create"() {
    const [name = "", point = ""] = rest;
    const worker = engine({ folder, simd: true, memoryLimit: 1e9, threads: 1 });
    killBefore(Number(point));
    worker.create({ name, header: headerOf({ name, dimension: 4, metric: "euclidean" }), meta: "{}" });
    console.log("made");
  },
};

await COMMANDS[command]?.();
