/** What names of data sets, saved views and brain runs may be. */

import { NearsightError } from "../errors.ts";

/** Characters of a name at most: it is shown in lists, messages and addresses. */
const MAX_NAME = 200;

/** Throws INVALID_ARGUMENT unless `name` can be kept and shown as it is; `what` says whose it is. */
export function assertName(name: unknown, what: string): asserts name is string {
  const usable =
    typeof name === "string" &&
    name.trim() !== "" &&
    name.length <= MAX_NAME &&
    !/\p{Cc}/u.test(name) &&
    name.isWellFormed();
  if (usable) return;
  const found = typeof name === "string" ? JSON.stringify(name.slice(0, 50)) : `a ${typeof name}`;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected ${what} of 1 to ${MAX_NAME} printable characters but found ${found}`,
    hint: "Choose another name",
  });
}
