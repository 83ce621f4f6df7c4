/** Has a server work on the next parts of a job while the answer to one is being read. */

/**
 * Gives the results of `work` on each item, in order; `atOnce` of them are under way, or finished and waiting. When it
 * ends, early or by an error, nothing is under way any more.
 */
export async function* ahead<Item, Result>(
  items: AsyncIterable<Item> | Iterable<Item>,
  work: (item: Item) => Promise<Result>,
  atOnce: number,
): AsyncGenerator<Result> {
  const underWay: Promise<Result>[] = [];
  try {
    for await (const item of items) {
      const started = work(item);
      // An error counts when it is this one's turn.
      started.catch(() => undefined);
      underWay.push(started);
      if (underWay.length >= atOnce) for (const first of underWay.splice(0, 1)) yield await first;
    }
    while (underWay.length > 0) for (const first of underWay.splice(0, 1)) yield await first;
  } finally {
    await Promise.allSettled(underWay);
  }
}
