/** Calls that are tried again while a server is away. */

import { expect, test } from "vitest";
import { retryWhileUnavailable, unlessAborted } from "../../../core/backends/remote/retry.ts";
import { type ErrorCode, NearsightError } from "../../../core/errors.ts";
import { expectCode } from "../../contract/context.ts";

function failing(code: ErrorCode, times: number) {
  let calls = 0;
  return {
    calls: () => calls,
    async work() {
      calls++;
      if (calls <= times) throw new NearsightError({ code, message: `call ${calls}`, hint: "wait" });
      return "done";
    },
  };
}

test("work that ends with BACKEND_UNAVAILABLE is done again", async () => {
  const { work, calls } = failing("BACKEND_UNAVAILABLE", 2);
  expect(await retryWhileUnavailable(work, { budget: 60_000 })).toBe("done");
  expect(calls()).toBe(3);
});

test("without a budget the first error is thrown", async () => {
  const { work, calls } = failing("BACKEND_UNAVAILABLE", 9);
  await expectCode(() => retryWhileUnavailable(work, { budget: 0 }), "BACKEND_UNAVAILABLE");
  expect(calls()).toBe(1);
});

test("the error that is thrown at the end is the last one", async () => {
  const { work, calls } = failing("BACKEND_UNAVAILABLE", 99);
  const error = await retryWhileUnavailable(work, { budget: 300 }).catch((reason: Error) => reason.message);
  expect(error).toBe(`call ${calls()}`);
  expect(calls()).toBeGreaterThan(1);
});

test("other errors are thrown at once", async () => {
  for (const code of ["AUTHENTICATION_FAILED", "INDEX_NOT_FOUND", "BACKEND_FAILED"] as const) {
    const { work, calls } = failing(code, 1);
    await expectCode(() => retryWhileUnavailable(work, { budget: 60_000 }), code);
    expect(calls()).toBe(1);
  }
  const broken = () => Promise.reject(new TypeError("a mistake"));
  await expect(retryWhileUnavailable(broken, { budget: 60_000 })).rejects.toThrow("a mistake");
});

test("a signal that has fired keeps the work from starting", async () => {
  const { work, calls } = failing("BACKEND_UNAVAILABLE", 0);
  await expectCode(
    () => retryWhileUnavailable(work, { budget: 1000, signal: AbortSignal.abort() }),
    "ABORTED",
  );
  expect(calls()).toBe(0);
});

test("a signal ends a pause", async () => {
  const controller = new AbortController();
  const { work } = failing("BACKEND_UNAVAILABLE", 99);
  const waiting = retryWhileUnavailable(
    async () => {
      setImmediate(() => controller.abort());
      return work();
    },
    { budget: 60_000, signal: controller.signal },
  );
  await expectCode(() => waiting, "ABORTED");
});

test("waiting for others' work ends with the signal, and the work goes on", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const controller = new AbortController();
  const waiting = unlessAborted(promise, controller.signal);
  controller.abort();
  await expectCode(() => waiting, "ABORTED");
  await expectCode(() => unlessAborted(promise, controller.signal), "ABORTED");
  resolve("done");
  expect(await unlessAborted(promise, new AbortController().signal)).toBe("done");
  expect(await unlessAborted(promise, undefined)).toBe("done");
});
