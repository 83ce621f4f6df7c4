/** The two passes of resampling, across and down: WebAssembly SIMD where the machine has it, plain JavaScript elsewhere. */

import { compileWasm } from "../../wasm.ts";
import type { RgbImage } from "../image.ts";
import { RESAMPLE_KERNEL_BASE64 } from "./kernel.wasm.ts";
import { scalarPasses } from "./scalar.ts";
import { simdPasses } from "./simd.ts";
import type { Weights } from "./weights.ts";

/** Pixels of the resized picture, as many across and down as there are weights for. */
export type Passes = (image: RgbImage, columns: Weights, rows: Weights) => Uint8Array;

/** The fastest passes of this machine that are no better than `best`; all give the same pixels. */
export function loadPasses(best: "simd" | "scalar" = "simd"): Passes {
  const module = best === "simd" ? compileWasm(RESAMPLE_KERNEL_BASE64) : undefined;
  return module === undefined ? scalarPasses : simdPasses(module);
}
