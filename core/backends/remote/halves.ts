/** Sends to a server what may be too long for it: in halves, down to what is too long alone. */

import { isNearsightError, type NearsightError } from "../../errors.ts";
import type { WriteReport } from "../backend.ts";

/**
 * Does `send` with all items, and where that ends with LIMIT_EXCEEDED with each half of them in turn. An item that
 * is too long alone goes to `refuse` with the error that names the limit, which is thrown where there is no such.
 */
export async function inHalves<Item>(
  items: readonly Item[],
  send: (items: readonly Item[]) => Promise<void>,
  refuse: (item: Item, error: NearsightError) => void = rethrown,
): Promise<void> {
  try {
    await send(items);
  } catch (error) {
    if (!isNearsightError(error, "LIMIT_EXCEEDED")) throw error;
    if (items.length < 2) {
      for (const item of items) refuse(item, error);
      return;
    }
    const middle = Math.ceil(items.length / 2);
    await inHalves(items.slice(0, middle), send, refuse);
    await inHalves(items.slice(middle), send, refuse);
  }
}

function rethrown(_item: unknown, error: NearsightError): never {
  throw error;
}

/** What a report says of an entry that is too long alone. */
export function tooLong(id: string, { code, message }: NearsightError): WriteReport["failed"][number] {
  return { id, reason: `${code}: ${message}` };
}
