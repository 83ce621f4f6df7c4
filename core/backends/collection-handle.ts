/** A collection of a server as users of its SDK know it. */

/** Bound to one collection, and printable without secrets. Drivers may add methods of their own. */
export interface CollectionHandle {
  readonly name: string;
  /** What the server says of the collection. */
  describe(): Promise<unknown>;
  /** Rows that meet a condition in the server's own words. */
  query(options: Readonly<Record<string, unknown>>): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Live entries, exact. */
  count(): Promise<number>;
}
