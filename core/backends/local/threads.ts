/** Helper threads of the search: they sleep until there is work large enough to share. */

import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { codeUrl } from "../../location.ts";
import type { CodeView } from "./codes.ts";
import type { RowView } from "./exact.ts";
import type { KernelMemory } from "./kernel/kernel.ts";
import type { Tasks } from "./tasks.ts";

/** A part of the work, as a helper receives it. */
export interface HelperCall {
  readonly method: keyof Tasks;
  readonly part: unknown;
  readonly codes: SharedView<CodeView> | undefined;
  readonly rows: SharedView<RowView> | undefined;
}

/** A view whose memories are named by number; `fresh` holds those the helper has not seen. */
export type SharedView<View extends CodeView | RowView> = Omit<View, "memories" | "thread"> & {
  readonly memories: readonly number[];
  readonly fresh: readonly (readonly [number: number, memory: WebAssembly.Memory])[];
};

/** Memories that a helper may let go of; not answered. */
export interface HelperForget {
  readonly forget: readonly number[];
}

export type HelperAnswer = { readonly value: unknown } | { readonly error: string };

/** What a helper is started with; `state` has one counter of answers for each. */
export interface HelperSetup {
  readonly port: MessagePort;
  readonly state: Int32Array;
  readonly thread: number;
}

/** A helper that has not answered for so long has died; its thread cannot say so while this one waits. */
const LOST_MS = 60_000;
const QUIET = process.allowedNodeEnvironmentFlags.has("--disable-warning")
  ? { execArgv: ["--disable-warning=ExperimentalWarning"] }
  : {};

interface Helper {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly state: Int32Array;
  readonly known: Set<number>;
}

/** The helpers of one engine. */
export class Helpers {
  readonly #helpers: Helper[] = [];
  readonly #numbers = new WeakMap<WebAssembly.Memory, number>();
  #next = 0;

  /** Starts helpers, so that there are `count`; they take part once they are up. */
  start(count: number): void {
    while (this.#helpers.length < count) this.#helpers.push(startHelper(this.#helpers.length + 1));
  }

  /** Threads that can work now, this one included. */
  get threads(): number {
    return 1 + this.#ready().length;
  }

  /**
   * Has each part but the first done by a helper, the first one here, and gives all answers in order. A part
   * whose helper fails is done here. There are at most `threads` parts.
   */
  run<Method extends keyof Tasks>(
    method: Method,
    parts: readonly Parameters<Tasks[Method]>[0][],
    views: { readonly codes: CodeView | undefined; readonly rows: RowView | undefined },
    here: Tasks,
  ): ReturnType<Tasks[Method]>[] {
    const work = here[method] as (part: unknown) => ReturnType<Tasks[Method]>;
    const asked = this.#ready().slice(0, parts.length - 1);
    const before = asked.map((helper, i) => {
      const answers = Atomics.load(helper.state, 0);
      const call = {
        method,
        part: parts[i + 1],
        codes: views.codes && this.#shared(views.codes, helper),
        rows: views.rows && this.#shared(views.rows, helper),
      };
      helper.port.postMessage(call satisfies HelperCall);
      return answers;
    });
    const results = [work(parts[0])];
    asked.forEach((helper, i) => {
      const answer = awaitAnswer(helper, before[i] as number);
      if (answer !== undefined && "value" in answer) results.push(answer.value as ReturnType<Tasks[Method]>);
      else {
        this.#dismiss(helper);
        results.push(work(parts[i + 1]));
      }
    });
    for (const part of parts.slice(1 + asked.length)) results.push(work(part));
    return results;
  }

  /** Lets helpers free what is no longer used here. */
  forget(memories: readonly KernelMemory[]): void {
    for (const { known, port } of this.#helpers) {
      const numbers = memories
        .map(({ shared }) => (shared === undefined ? undefined : this.#numbers.get(shared)))
        .filter((number) => number !== undefined && known.delete(number)) as number[];
      if (numbers.length > 0) port.postMessage({ forget: numbers } satisfies HelperForget);
    }
  }

  close(): void {
    for (const helper of [...this.#helpers]) this.#dismiss(helper);
  }

  #ready(): Helper[] {
    return this.#helpers.filter(({ state }) => Atomics.load(state, 0) > 0);
  }

  #dismiss(helper: Helper): void {
    this.#helpers.splice(this.#helpers.indexOf(helper), 1);
    helper.port.close();
    void helper.worker.terminate();
  }

  #shared<View extends CodeView | RowView>(view: View, helper: Helper): SharedView<View> {
    const { memories, thread: _, ...facts } = view;
    const fresh: [number, WebAssembly.Memory][] = [];
    const numbers = memories.map(({ shared }) => {
      if (shared === undefined) throw new Error("Memory of one thread cannot be shared");
      const number = this.#numbers.get(shared) ?? this.#next++;
      this.#numbers.set(shared, number);
      if (!helper.known.has(number)) fresh.push([number, shared]);
      helper.known.add(number);
      return number;
    });
    return { ...facts, memories: numbers, fresh } as unknown as SharedView<View>;
  }
}

function startHelper(thread: number): Helper {
  const { port1, port2 } = new MessageChannel();
  const state = new Int32Array(new SharedArrayBuffer(4));
  const setup: HelperSetup = { port: port2, state, thread };
  const worker = new Worker(codeUrl("backends/local/search-worker"), {
    workerData: setup,
    transferList: [port2],
    ...QUIET,
  });
  worker.unref();
  port1.unref();
  worker.on("error", () => undefined); // it never becomes ready, or its answer is missed
  return { worker, port: port1, state, known: new Set() };
}

/** Sleeps until the helper has answered; undefined if it never does. */
function awaitAnswer({ port, state }: Helper, before: number): HelperAnswer | undefined {
  if (Atomics.wait(state, 0, before, LOST_MS) === "timed-out") return undefined;
  return receiveMessageOnPort(port)?.message as HelperAnswer | undefined;
}
