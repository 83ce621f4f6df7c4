/** Work on all rows in parts, some at once. */

/** Does `work` on parts of at most `size` rows, `atOnce` of them at a time. */
export async function together(
  atOnce: number,
  size: number,
  rows: number,
  work: (rows: number[]) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let first = next; first < rows; first = next) {
      next += size;
      await work(Array.from({ length: Math.min(size, rows - first) }, (_, i) => first + i));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
