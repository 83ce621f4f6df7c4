/** Entries written to and taken out of a Milvus collection. */

import { throwIfAborted } from "../../errors.ts";
import { matrix, type VectorData } from "../../matrix.ts";
import type { Batch, WriteOptions, WriteReport } from "../backend.ts";
import { checkBatch, vectorFault } from "../checks.ts";
import { takeBatch } from "../parts.ts";
import { idChunks, parts } from "../remote/chunks.ts";
import { inHalves, tooLong } from "../remote/halves.ts";
import type { Access } from "./access.ts";
import { isOneOf } from "./expression.ts";
import { valueColumn } from "./filter.ts";
import { CONDITION_BYTES, CONDITION_IDS, WRITE_BYTES, WRITE_ROWS, WRITES_AT_ONCE } from "./limits.ts";
import { textsOf } from "./rows.ts";
import type { Layout } from "./schema.ts";
import { DATA_TYPE } from "./wire.ts";

type Failure = WriteReport["failed"][number];

/** Writes entries, replacing those of the same id; several parts at once, but never two with one id. */
export async function upsertEntries(
  access: Access,
  batches: AsyncIterable<Batch>,
  { visible = "now", signal }: WriteOptions,
): Promise<WriteReport> {
  const layout = await access.layout();
  const failed: Failure[] = [];
  const running = new Writing();
  let written = 0;
  try {
    for await (const batch of batches) {
      throwIfAborted(signal);
      checkBatch(access.name, batch, layout);
      const accepted = acceptedRows(batch, layout, failed);
      for (const part of parts(accepted, { rows: WRITE_ROWS, bytes: WRITE_BYTES })) {
        throwIfAborted(signal);
        await running.makeRoom(part.ids);
        const writing = writePart(access, layout, copied(part), { failed, signal });
        running.start(
          part.ids,
          writing.then((rows) => {
            written += rows;
          }),
        );
      }
    }
    await running.all();
  } finally {
    await running.settled();
  }
  throwIfAborted(signal);
  if (visible === "now") await access.publish(signal);
  return { written, failed };
}

/** Removes entries and counts those that were there: the server itself counts what it was asked for. */
export async function deleteEntries(
  access: Access,
  ids: AsyncIterable<readonly string[]>,
  { visible = "now", signal }: WriteOptions,
): Promise<WriteReport> {
  const { fields } = await access.layout();
  const failed: Failure[] = [];
  let written = 0;
  const deleteSome = async (some: readonly string[]) => {
    throwIfAborted(signal);
    const answer = await access.query(isOneOf(fields.id, some), [fields.id], { signal });
    const present = textsOf(answer.message.fields_data, fields.id);
    if (present.length === 0) return;
    const { message } = await access.call("Delete", { expr: isOneOf(fields.id, present) }, { signal });
    access.noteWrite(message.timestamp, 0);
    written += present.length;
  };
  for await (const chunk of idChunks(ids, CONDITION_IDS, CONDITION_BYTES)) {
    await inHalves(chunk, deleteSome, (id, error) => failed.push(tooLong(id, error)));
  }
  throwIfAborted(signal);
  if (visible === "now") await access.publish(signal);
  return { written, failed };
}

/** Writes that are under way. */
class Writing {
  readonly #running = new Map<Promise<void>, ReadonlySet<string>>();
  #failure: { error: unknown } | undefined;

  /** Waits until another write may start: later ones must not overtake earlier ones of the same id. */
  async makeRoom(ids: readonly string[]): Promise<void> {
    while (this.#running.size >= WRITES_AT_ONCE || this.#touches(ids))
      await Promise.race(this.#running.keys());
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  start(ids: readonly string[], work: Promise<void>): void {
    const done = work
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(done));
    this.#running.set(done, new Set(ids));
  }

  async all(): Promise<void> {
    await this.settled();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running.keys());
  }

  #touches(ids: readonly string[]): boolean {
    for (const others of this.#running.values()) if (ids.some((id) => others.has(id))) return true;
    return false;
  }
}

/** Writes a part, in halves where it is too long for the server; gives how many of its entries were written. */
async function writePart(
  access: Access,
  layout: Layout,
  part: Batch,
  { failed, signal }: { failed: Failure[]; signal: AbortSignal | undefined },
): Promise<number> {
  let written = 0;
  await inHalves(
    [...part.ids.keys()],
    async (rows) => {
      const some = rows.length === part.ids.length ? part : takeBatch(part, rows);
      await writeOnce(access, layout, some, signal);
      written += rows.length;
    },
    (row, error) => failed.push(tooLong(part.ids[row] ?? "", error)),
  );
  return written;
}

async function writeOnce(
  access: Access,
  { fields }: Layout,
  { ids, sampleIds, vectors, fields: values }: Batch,
  signal: AbortSignal | undefined,
): Promise<void> {
  const columns = [
    textColumn(fields.id, ids),
    ...(fields.sampleId === null ? [] : [textColumn(fields.sampleId, sampleIds)]),
    ...(values === undefined ? [] : [valueColumn(values)]),
  ];
  const request = { num_rows: ids.length, fields_data: columns };
  const { message } = await access.call("Upsert", request, {
    signal,
    vectors: { name: fields.vector, vectors },
  });
  access.noteWrite(message.timestamp, ids.length);
}

/** The caller may use the arrays of a batch again while it is still on its way. */
function copied({ ids, sampleIds, vectors, ...others }: Batch): Batch {
  return {
    ...others,
    ids: [...ids],
    sampleIds: [...sampleIds],
    vectors: matrix<VectorData>(vectors.data.slice(), vectors.dimension),
  };
}

function textColumn(name: string, data: readonly string[]) {
  return { type: DATA_TYPE.text, field_name: name, scalars: { string_data: { data } } };
}

/** The entries that can be written; why others cannot is added to `failed`. */
function acceptedRows(batch: Batch, layout: Layout, failed: Failure[]): Batch {
  const rows: number[] = [];
  batch.ids.forEach((id, row) => {
    const reason = entryProblem(batch, row, layout);
    if (reason === null) rows.push(row);
    else failed.push({ id, reason });
  });
  return rows.length === batch.ids.length ? batch : takeBatch(batch, rows);
}

function entryProblem({ ids, sampleIds, vectors }: Batch, row: number, layout: Layout): string | null {
  return (
    vectorFault(vectors.row(row), layout) ??
    textProblem("id", ids[row] ?? "", layout.idBytes) ??
    (layout.fields.sampleId === null
      ? null
      : textProblem("sample id", sampleIds[row] ?? "", layout.sampleIdBytes))
  );
}

function textProblem(what: string, text: string, most: number): string | null {
  if (!text.isWellFormed()) return `INVALID_ARGUMENT: the ${what} has half of a surrogate pair`;
  // A character takes at most three bytes for each of its UTF-16 units.
  if (text.length * 3 <= most) return null;
  const bytes = Buffer.byteLength(text);
  return bytes <= most ? null : `LIMIT_EXCEEDED: the ${what} takes ${bytes} bytes, Milvus keeps ${most}`;
}
