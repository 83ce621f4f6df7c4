/** A helper thread of the search: does its parts on the memory of the thread that asks. */

import { workerData } from "node:worker_threads";
import { attach, type CodeArithmetic, type KernelMemory } from "./kernel/kernel.ts";
import type { Hits } from "./rank.ts";
import { tasksOn, type Views } from "./tasks.ts";
import type { HelperAnswer, HelperCall, HelperForget, HelperSetup } from "./threads.ts";

const { port, state, thread } = workerData as HelperSetup;
const memories = new Map<number, KernelMemory<CodeArithmetic>>();

type Seen = NonNullable<HelperCall["codes"] | HelperCall["rows"]>;

function revive(view: Seen | undefined): unknown {
  if (view === undefined) return undefined;
  const { memories: numbers, fresh, ...facts } = view;
  for (const [number, memory] of fresh) memories.set(number, attach(memory));
  return { ...facts, thread, memories: numbers.map((number) => memories.get(number)) };
}

function answer({ method, part, codes, rows }: HelperCall): HelperAnswer {
  try {
    const views = { codes: revive(codes), rows: revive(rows) } as Views;
    const work = tasksOn(views)[method] as (part: unknown) => unknown;
    return { value: work(part) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** The buffers of sorted slots, which are the answer's own: they move to the caller. */
function buffersOf(found: HelperAnswer): ArrayBuffer[] {
  const { slots, distances } = ("value" in found ? found.value : {}) as Partial<Hits>;
  return [slots, distances].flatMap((array) => (array === undefined ? [] : [array.buffer as ArrayBuffer]));
}

port.on("message", (call: HelperCall | HelperForget) => {
  if ("forget" in call) {
    for (const number of call.forget) memories.delete(number);
    return;
  }
  const found = answer(call);
  port.postMessage(found, buffersOf(found));
  Atomics.add(state, 0, 1);
  Atomics.notify(state, 0);
});
Atomics.add(state, 0, 1);
