/** Ids of selections, read once. */

import { expect, test } from "vitest";
import { SelectedIds } from "../../../core/backends/remote/selected-ids.ts";
import { expectCode } from "../../contract/context.ts";

function selection(key: string, ids: readonly string[]) {
  let reads = 0;
  return {
    size: ids.length,
    key,
    reads: () => reads,
    async *ids() {
      reads++;
      yield ids;
    },
  };
}

test("a selection is read once for each key, each id once", async () => {
  const kept = new SelectedIds();
  const pets = selection("pets", ["a", "b", "a"]);
  expect([...(await kept.of(pets))]).toEqual(["a", "b"]);
  expect([...(await kept.of(pets))]).toEqual(["a", "b"]);
  expect(pets.reads()).toBe(1);
  expect([...(await kept.of(selection("cars", ["c"])))]).toEqual(["c"]);
});

test("those used longest ago are let go of, and one that is too large is not kept", async () => {
  const kept = new SelectedIds(10);
  const first = selection("first", ["a", "b", "c", "d"]);
  const second = selection("second", ["e", "f", "g", "h"]);
  const third = selection("third", ["i", "j", "k", "l"]);
  for (const one of [first, second, first, third, first, second]) await kept.of(one);
  expect([first.reads(), second.reads(), third.reads()]).toEqual([1, 2, 1]);
  const huge = selection(
    "huge",
    Array.from({ length: 11 }, (_, i) => `h${i}`),
  );
  await kept.of(huge);
  await kept.of(huge);
  expect(huge.reads()).toBe(2);
});

test("an error while reading reaches the caller and is not kept", async () => {
  const kept = new SelectedIds();
  let broken = true;
  const ids = {
    size: 1,
    key: "k",
    async *ids() {
      yield ["a"];
      if (broken) throw new RangeError("the ids ended early");
    },
  };
  await expect(kept.of(ids)).rejects.toThrow("the ids ended early");
  broken = false;
  expect([...(await kept.of(ids))]).toEqual(["a"]);
});

test("a signal ends the reading", () =>
  expectCode(() => new SelectedIds().of(selection("k", ["a"]), AbortSignal.abort()), "ABORTED"));
