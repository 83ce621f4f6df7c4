/** Loads sharp, the picture codec, on first use, and says how to install it where it is missing. */

import type { SharpConstructor } from "sharp";
import { NearsightError } from "../errors.ts";

let loading: Promise<SharpConstructor> | undefined;

/** Gives the `sharp` function, loaded once; throws PACKAGE_MISSING where the optional package is not installed. */
export function loadSharp(): Promise<SharpConstructor> {
  loading ??= importSharp();
  return loading;
}

async function importSharp(): Promise<SharpConstructor> {
  try {
    const { default: sharp } = await import("sharp");
    // Pictures are decoded side by side by the caller; threads inside one picture would only compete.
    sharp.concurrency(1);
    // Every picture is read once: a cache would only hold memory.
    sharp.cache(false);
    return sharp;
  } catch (error) {
    loading = undefined;
    throw new NearsightError({
      code: "PACKAGE_MISSING",
      message: "Reading pictures needs the package sharp, which could not be loaded",
      hint: "Run: npm install sharp",
      cause: error,
    });
  }
}
