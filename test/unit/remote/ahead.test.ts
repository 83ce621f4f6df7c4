/** Work on parts of a job, some at once: results in order, nothing left under way. */

import { expect, test } from "vitest";
import { ahead } from "../../../core/backends/remote/ahead.ts";

/** Work that notes how much of it is under way, and ends when it is told to, the later items first. */
function watched() {
  const seen = { underWay: 0, most: 0 };
  const work = async (item: number) => {
    seen.underWay++;
    seen.most = Math.max(seen.most, seen.underWay);
    for (let turn = 0; turn < 10 - item; turn++) await new Promise((later) => setImmediate(later));
    seen.underWay--;
    if (item === 7) throw new Error("seven");
    return item * 10;
  };
  return { seen, work };
}

test("gives results in order, with so many under way", async () => {
  const { seen, work } = watched();
  expect(await Array.fromAsync(ahead([1, 2, 3, 4, 5], work, 3))).toEqual([10, 20, 30, 40, 50]);
  expect(seen).toEqual({ underWay: 0, most: 3 });
});

test("does one after the other where it is told to", async () => {
  const { seen, work } = watched();
  expect(await Array.fromAsync(ahead([1, 2, 3], work, 1))).toEqual([10, 20, 30]);
  expect(seen.most).toBe(1);
});

test("gives nothing for nothing", async () => {
  expect(await Array.fromAsync(ahead([], watched().work, 2))).toEqual([]);
});

test("throws an error in its turn, with nothing under way", async () => {
  const { seen, work } = watched();
  const given: number[] = [];
  const all = async () => {
    for await (const result of ahead([5, 6, 7, 8], work, 3)) given.push(result);
  };
  await expect(all()).rejects.toThrow("seven");
  expect(given).toEqual([50, 60]);
  expect(seen.underWay).toBe(0);
});

test("waits for what is under way when it is left early", async () => {
  const { seen, work } = watched();
  for await (const _ of ahead([1, 2, 3, 4], work, 3)) break;
  expect(seen.underWay).toBe(0);
});

test("ends what it reads from when it is left early", async () => {
  let isEnded = false;
  async function* items() {
    try {
      yield* [1, 2, 3, 4];
    } finally {
      isEnded = true;
    }
  }
  for await (const _ of ahead(items(), watched().work, 2)) break;
  expect(isEnded).toBe(true);
});
