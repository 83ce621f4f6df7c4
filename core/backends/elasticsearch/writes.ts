/** Writes entries in bulks, a few at once, each entry's outcome looked at; and removes them. */

import { Buffer } from "node:buffer";
import type { estypes } from "@elastic/elasticsearch";
import { NearsightError, throwIfAborted } from "../../errors.ts";
import type { Batch, WriteOptions, WriteReport } from "../backend.ts";
import { checkBatch, vectorFault } from "../checks.ts";
import { idChunks } from "../remote/chunks.ts";
import { inHalves, tooLong } from "../remote/halves.ts";
import { retryWhileUnavailable } from "../remote/retry.ts";
import { isBusy, reasonError } from "./errors.ts";
import { valuesSource } from "./filter.ts";
import {
  DELETE_IDS,
  MAX_ID_BYTES,
  MAX_SAMPLE_ID_BYTES,
  WRITE_BYTES,
  WRITE_ROWS,
  WRITES_AT_ONCE,
} from "./limits.ts";
import type { Layout } from "./mapping.ts";
import type { IndexPlace } from "./reads.ts";
import { encodedVector, storedScale } from "./vectors.ts";

/** One action of a bulk as its lines of JSON. */
interface Action {
  readonly id: string;
  readonly lines: readonly string[];
}

type Failure = WriteReport["failed"][number];
type Outcome = estypes.BulkResponseItem;

/** Writes entries, replacing those of the same id. */
export async function upsertEntries(
  place: IndexPlace,
  batches: AsyncIterable<Batch>,
  options: WriteOptions,
): Promise<WriteReport> {
  const writer = new BulkWriter(place, options);
  return writer.run(async () => {
    for await (const batch of batches) {
      throwIfAborted(options.signal);
      checkBatch(place.index, batch, place.layout);
      for (const row of writer.acceptedRows(batch)) await writer.add(indexAction(batch, row, place.layout));
    }
  });
}

/** Removes entries; unknown ids are not counted. */
export async function deleteEntries(
  place: IndexPlace,
  pages: AsyncIterable<readonly string[]>,
  options: WriteOptions,
): Promise<WriteReport> {
  const writer = new BulkWriter(place, options);
  return writer.run(async () => {
    for await (const ids of idChunks(pages, DELETE_IDS)) {
      throwIfAborted(options.signal);
      // What is no id of this server is in no index of it.
      for (const id of ids)
        if (idProblem(id) === null)
          await writer.add({ id, lines: [JSON.stringify({ delete: { _id: id } })] });
    }
  });
}

function indexAction({ ids, sampleIds, vectors, fields }: Batch, row: number, layout: Layout): Action {
  const id = ids[row] ?? "";
  const vector = vectors.row(row);
  const scale = storedScale(vector, layout);
  const stored = scale === 1 ? vector : vector.map((value) => value * scale);
  const entry = {
    sample_id: sampleIds[row] ?? id,
    vector: encodedVector(stored, layout.encoding),
    ...(scale === 1 ? {} : { vector_scale: scale }),
    ...valuesSource(fields?.[row]),
  };
  return { id, lines: [JSON.stringify({ index: { _id: id } }), JSON.stringify(entry)] };
}

/** Gathers actions into bulks and keeps some of them under way. */
class BulkWriter {
  readonly #place: IndexPlace;
  readonly #options: WriteOptions;
  readonly #failed: Failure[] = [];
  readonly #underWay = new Map<Promise<void>, ReadonlySet<string>>();
  #waiting: Action[] = [];
  #waitingIds = new Set<string>();
  #bytes = 0;
  #written = 0;
  #sent = false;
  #error: unknown;

  constructor(place: IndexPlace, options: WriteOptions) {
    this.#place = place;
    this.#options = options;
  }

  /** Does the work that adds actions, sends what is left, and makes it visible, also where the work ends early. */
  async run(work: () => Promise<void>): Promise<WriteReport> {
    throwIfAborted(this.#options.signal);
    try {
      await work();
      await this.#flush();
      await this.#settle();
    } catch (error) {
      // What came before an error of the source is kept.
      await this.#flush().catch(() => undefined);
      await this.#settle().catch(() => undefined);
      await this.#refresh().catch(() => undefined);
      throw error;
    }
    await this.#refresh();
    throwIfAborted(this.#options.signal);
    return { written: this.#written, failed: this.#failed };
  }

  /** Rows that can be written, of doubled ids the last; the others are reported. */
  acceptedRows({ ids, sampleIds, vectors }: Batch): number[] {
    const { layout } = this.#place;
    const rows = new Map<string, number>();
    ids.forEach((id, row) => {
      const problem =
        idProblem(id) ?? sampleIdProblem(sampleIds[row] ?? "") ?? vectorFault(vectors.row(row), layout);
      if (problem === null) rows.set(id, row);
      else this.#failed.push({ id, reason: problem });
    });
    return [...rows.values()];
  }

  /** Takes an action; waits while enough are under way. */
  async add(action: Action): Promise<void> {
    // Within a bulk each id comes once, so that what is sent again cannot overtake.
    if (this.#waitingIds.has(action.id)) await this.#flush();
    this.#waiting.push(action);
    this.#waitingIds.add(action.id);
    for (const line of action.lines) this.#bytes += line.length;
    if (this.#waiting.length >= WRITE_ROWS || this.#bytes >= WRITE_BYTES) await this.#flush();
  }

  async #flush(): Promise<void> {
    const [actions, ids] = [this.#waiting, this.#waitingIds];
    [this.#waiting, this.#waitingIds, this.#bytes] = [[], new Set(), 0];
    if (actions.length === 0) return;
    while (this.#underWay.size >= WRITES_AT_ONCE) await Promise.race(this.#underWay.keys());
    for (const [bulk, others] of this.#underWay) if (!ids.isDisjointFrom(others)) await bulk;
    if (this.#error !== undefined) throw this.#error;
    throwIfAborted(this.#options.signal);
    this.#sent = true;
    const bulk = this.#send(actions).then(
      () => void this.#underWay.delete(bulk),
      (error: unknown) => {
        this.#underWay.delete(bulk);
        this.#error ??= error;
      },
    );
    this.#underWay.set(bulk, ids);
  }

  async #settle(): Promise<void> {
    await Promise.all(this.#underWay.keys());
    if (this.#error !== undefined) throw this.#error;
  }

  /** Sends actions until each has an outcome; in halves where they are too long for the server. */
  async #send(actions: readonly Action[]): Promise<void> {
    const left = new Set(actions);
    const send = async (some: readonly Action[]) => {
      const busy = new Set(await this.#sendOnce(some));
      for (const action of some) if (!busy.has(action)) left.delete(action);
    };
    const refuse = (action: Action, error: NearsightError) => {
      left.delete(action);
      this.#failed.push(tooLong(action.id, error));
    };
    await retryWhileUnavailable(
      async () => {
        await inHalves([...left], send, refuse);
        if (left.size > 0) throw this.#busy(left.size);
      },
      { budget: this.#place.server.patience.write, signal: this.#options.signal },
    );
  }

  #busy(left: number): NearsightError {
    const { server, index } = this.#place;
    const reason = `it is too busy for ${left} of the entries`;
    return reasonError({ status: 429, type: "", reason }, server.facts({ action: "write entries", index }));
  }

  /** One bulk; gives what the server was too busy for. */
  async #sendOnce(actions: readonly Action[]): Promise<readonly Action[]> {
    const { server, index } = this.#place;
    const call = { action: "write entries", index, signal: this.#options.signal, budget: 0 };
    const operations = [...GUARD, ...actions.flatMap(({ lines }) => lines)];
    const answer = await server.call(
      (client, more) => client.bulk({ index, operations, filter_path: BULK_PATHS }, more),
      call,
    );
    const [, ...items] = answer.items ?? [];
    const busy: Action[] = [];
    actions.forEach((action, i) => {
      const outcome = Object.values(items[i] ?? {})[0] as Outcome | undefined;
      if (outcome === undefined) throw lostOutcome(action.id);
      if (isBusy(outcome.status)) busy.push(action);
      else this.#note(action.id, outcome);
    });
    return busy;
  }

  #note(id: string, { status, result, error }: Outcome): void {
    if (status < 300) this.#written++;
    else if (error !== undefined) {
      const { type, reason } = error;
      const facts = this.#place.server.facts({ action: "write entries", index: this.#place.index });
      const meaning = reasonError({ status, type, reason: reason ?? type }, facts);
      // Every other entry would fail alike.
      if (FATAL.some((code) => meaning.code === code)) throw meaning;
      this.#failed.push({ id, reason: `${codeOf(reason ?? "")}: ${reason ?? type}` });
    } else if (result !== "not_found") throw lostOutcome(id);
  }

  async #refresh(): Promise<void> {
    if (!this.#sent || this.#options.visible === "eventually") return;
    await refresh(this.#place, this.#place.server.patience.write);
  }
}

/**
 * A bulk makes an index that is missing, and one dropped in the middle of a job would come back without its mapping.
 * The server does not where any action of the bulk asks for an alias (`TransportBulkAction`). This one does and so
 * fails; where the name is that of an alias it changes a document that nobody has.
 */
const GUARD = [
  JSON.stringify({ update: { _id: "nearsight:no-such-document", require_alias: true } }),
  JSON.stringify({ doc: {} }),
];

const BULK_PATHS = ["items.*.status", "items.*.result", "items.*.error.type", "items.*.error.reason"];

/** What an entry can fail by that is no fault of the entry. */
const FATAL = ["INDEX_NOT_FOUND", "PERMISSION_DENIED", "AUTHENTICATION_FAILED"] as const;

/** Makes what was written visible to searches. */
export async function refresh({ server, index }: IndexPlace, budget?: number): Promise<void> {
  await server.call(
    (client, more) => client.indices.refresh({ index, filter_path: "_shards.failed" }, more),
    {
      action: "refresh the index",
      index,
      ...(budget === undefined ? {} : { budget }),
    },
  );
}

/** Servers call a vector's faults by these words. */
function codeOf(reason: string): "VECTOR_INVALID" | "WRITE_FAILED" {
  return /zero magnitude|unit-length|dense_vector|\[vector\]/.test(reason)
    ? "VECTOR_INVALID"
    : "WRITE_FAILED";
}

function idProblem(id: string): string | null {
  if (id === "") return "INVALID_ARGUMENT: the id is empty";
  if (!id.isWellFormed()) return "INVALID_ARGUMENT: the id has half of a surrogate pair";
  return Buffer.byteLength(id) > MAX_ID_BYTES
    ? `LIMIT_EXCEEDED: the id is longer than the ${MAX_ID_BYTES} bytes of an Elasticsearch _id`
    : null;
}

function sampleIdProblem(id: string): string | null {
  if (!id.isWellFormed()) return "INVALID_ARGUMENT: the sample id has half of a surrogate pair";
  return Buffer.byteLength(id) > MAX_SAMPLE_ID_BYTES
    ? `LIMIT_EXCEEDED: the sample id is longer than the ${MAX_SAMPLE_ID_BYTES} bytes of a keyword`
    : null;
}

function lostOutcome(id: string): NearsightError {
  return new NearsightError({
    code: "BACKEND_FAILED",
    message: `Expected an outcome for each entry but Elasticsearch told none for '${id}'`,
    hint: "Write the entries again: what is there is replaced",
  });
}
