/** One collection as this process knows it: its layout, what was written last, and the calls on it. */

import type { Connection } from "./connection.ts";
import { FLUSH_ROWS, PREPARE_MS } from "./limits.ts";
import { describeCollection, hasUnindexedEntries, loadCollection } from "./manage.ts";
import { keyValues, type Layout } from "./schema.ts";
import type { Message, VectorColumn, WireAnswer } from "./wire.ts";

/** How fresh an answer has to be. */
export type Freshness = "own writes" | "all writes";

export class Access {
  readonly name: string;
  readonly connection: Connection;
  #layout: Promise<Layout> | undefined;
  /** The server's time of the last write of this process, or "0". */
  #written = "0";
  #unflushed = 0;
  #unseen = false;
  /** Entries at the last count; only to guess with. */
  lastSize = 0;
  #unindexed: { readonly answer: Promise<boolean>; readonly until: number } | undefined;

  constructor(name: string, connection: Connection, layout?: Layout) {
    this.name = name;
    this.connection = connection;
    this.#layout = layout && Promise.resolve(layout);
  }

  /** The layout, asked for once. */
  layout(): Promise<Layout> {
    this.#layout ??= this.refresh();
    return this.#layout;
  }

  /** The layout as the server says it is now. */
  async refresh(): Promise<Layout> {
    const known = describeCollection(this.connection, this.name);
    this.#layout = known.catch((error: unknown) => {
      this.#layout = undefined;
      throw error;
    });
    return this.#layout;
  }

  /** Calls a method on this collection; one that is not loaded is loaded. */
  async call(
    method: string,
    request: Message,
    options: { signal?: AbortSignal | undefined; vectors?: VectorColumn; budget?: number } = {},
  ): Promise<WireAnswer> {
    const { name, connection } = this;
    return connection.call(
      method,
      { ...request, collection_name: name },
      { ...options, collection: name, load: () => loadCollection(connection, name) },
    );
  }

  /** What a read has to say so that it sees what it has to. */
  async freshness(wanted: Freshness): Promise<Message> {
    const { consistencyLevel } = await this.layout();
    if (wanted === "all writes") return { consistency_level: "Strong" };
    // The server takes the time of the last write to wait for from the client, which is what a session means.
    if (consistencyLevel === "Session") {
      return { consistency_level: "Session", guarantee_timestamp: this.#written };
    }
    return { consistency_level: consistencyLevel };
  }

  /** Columns of the entries that meet a condition. */
  async query(
    expression: string,
    fields: readonly string[],
    options: { limit?: number; signal?: AbortSignal | undefined; freshness?: Freshness } = {},
  ): Promise<WireAnswer> {
    const request = {
      expr: expression,
      output_fields: fields,
      query_params: options.limit === undefined ? [] : keyValues({ limit: options.limit, offset: 0 }),
      ...(await this.freshness(options.freshness ?? "own writes")),
    };
    return this.call("Query", request, { signal: options.signal });
  }

  /** Live entries, those that meet a condition where one is given. */
  async count(expression = "", signal?: AbortSignal): Promise<number> {
    const { message } = await this.query(expression, [COUNT], { signal });
    const [column] = (message.fields_data ?? []) as readonly {
      scalars?: { long_data?: { data: string[] } };
    }[];
    const size = Number(column?.scalars?.long_data?.data[0] ?? 0);
    if (expression === "") this.lastSize = size;
    return size;
  }

  /** Remembers a write: when it was, and how many rows it added. */
  noteWrite(timestamp: unknown, rows: number): void {
    const time = String(timestamp ?? "0");
    if (BigInt(time) > BigInt(this.#written)) this.#written = time;
    this.#unflushed += rows;
    this.#unseen = true;
    this.#unindexed = undefined;
  }

  /**
   * Waits until every process sees what this one wrote: a read that waits for the server's clock to pass the
   * write, after which no node of the server answers without it.
   */
  async publish(signal?: AbortSignal): Promise<void> {
    if (this.#unseen) {
      const { fields } = await this.layout();
      // Before: other writes may end meanwhile, which this read need not have waited for.
      this.#unseen = false;
      try {
        await this.query(`${fields.id} in [""]`, [fields.id], { signal, freshness: "all writes" });
      } catch (error) {
        this.#unseen = true;
        throw error;
      }
    }
    if (this.#unflushed >= FLUSH_ROWS) await this.#flush();
  }

  /** True while the server holds many entries that its index does not cover yet; asked for now and then. */
  hasUnindexed(): Promise<boolean> {
    const now = performance.now();
    if (this.#unindexed === undefined || this.#unindexed.until < now) {
      this.#unindexed = {
        answer: this.#askUnindexed(),
        until: now + UNINDEXED_KNOWN_MS,
      };
    }
    return this.#unindexed.answer;
  }

  async #askUnindexed(): Promise<boolean> {
    return hasUnindexedEntries(this.connection, this.name, () => this.count());
  }

  /** Has what was written become segments, which the server then indexes. It does so by itself, only later. */
  async #flush(): Promise<void> {
    this.#unflushed = 0;
    const { name, connection } = this;
    await connection.call(
      "Flush",
      { collection_names: [name] },
      { collection: name, budget: FLUSH_BUDGET_MS },
    );
  }
}

const COUNT = "count(*)";
/** Other processes write as well; that their entries are not indexed yet is seen after so long. */
const UNINDEXED_KNOWN_MS = 2000;
const FLUSH_BUDGET_MS = PREPARE_MS;
