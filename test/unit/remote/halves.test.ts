/** What is too long for a server is sent in halves. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { inHalves, tooLong } from "../../../core/backends/remote/halves.ts";
import { NearsightError } from "../../../core/errors.ts";
import { expectCode } from "../../contract/context.ts";

const limit = () =>
  new NearsightError({ code: "LIMIT_EXCEEDED", message: "larger than max", hint: "raise it" });

test("each item is taken once and in order, or refused alone", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 12 })),
      fc.integer({ min: 1, max: 20 }),
      async (sizes, most) => {
        const [taken, refused]: [number[], number[]] = [[], []];
        const send = async (rows: readonly number[]) => {
          if (rows.reduce((sum, row) => sum + (sizes[row] ?? 0), 0) > most) throw limit();
          taken.push(...rows);
        };
        await inHalves([...sizes.keys()], send, (row) => refused.push(row));
        expect(taken).toEqual([...sizes.keys()].filter((row) => (sizes[row] ?? 0) <= most));
        expect(refused).toEqual([...sizes.keys()].filter((row) => (sizes[row] ?? 0) > most));
      },
    ),
  );
});

test("a server that takes nothing at all is asked once where there is nothing to send", async () => {
  let calls = 0;
  const send = async () => {
    calls++;
    throw limit();
  };
  await inHalves([], send, () => expect.unreachable());
  expect(calls).toBe(1);
});

test("an item that is too long alone is an error where nobody takes it", async () => {
  const send = async (items: readonly string[]) => {
    if (items.includes("long")) throw limit();
  };
  await expectCode(() => inHalves(["a", "b", "long", "c"], send), "LIMIT_EXCEEDED");
});

test("another error ends it, and the rest is not sent", async () => {
  const sent: (readonly number[])[] = [];
  const send = async (items: readonly number[]) => {
    sent.push(items);
    if (items.length > 2) throw limit();
    throw new NearsightError({ code: "BACKEND_UNAVAILABLE", message: "away", hint: "wait" });
  };
  await expectCode(() => inHalves([1, 2, 3, 4], send, () => expect.unreachable()), "BACKEND_UNAVAILABLE");
  expect(sent).toEqual([
    [1, 2, 3, 4],
    [1, 2],
  ]);
});

test("a report names the limit", () => {
  expect(tooLong("a", limit())).toEqual({ id: "a", reason: "LIMIT_EXCEEDED: larger than max" });
});
