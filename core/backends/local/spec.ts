/** Checks what a collection is asked to be, and lays down its header. */

import { NearsightError } from "../../errors.ts";
import type { CollectionSpec } from "../backend.ts";
import { isBinaryMetric, METRICS } from "../metric.ts";
import { type Header, rowBytes } from "./header.ts";

/** Far above any model's; keeps a block of rows within a blob SQLite moves at once. */
const MAX_DIMENSION = 65_536;
const ROWS_PER_BLOCK = 64;
const MAX_BLOCK_BYTES = 4 << 20;

/** The header of a new collection; INVALID_ARGUMENT, METRIC_NOT_SUPPORTED, LIMIT_EXCEEDED. */
export function headerOf(spec: CollectionSpec): Header {
  const { dimension, metric } = spec;
  if (!METRICS.includes(metric))
    throw refused("METRIC_NOT_SUPPORTED", `Expected a metric of ${METRICS.join(", ")} but found '${metric}'`);
  const vectorType = spec.vectorType ?? (isBinaryMetric(metric) ? "bits" : "float32");
  if ((vectorType === "bits") !== isBinaryMetric(metric)) {
    const fitting = METRICS.filter((other) => isBinaryMetric(other) === (vectorType === "bits")).join(", ");
    throw refused(
      "METRIC_NOT_SUPPORTED",
      `Expected a metric for ${vectorType} vectors (${fitting}) but found '${metric}'`,
    );
  }
  if (!Number.isInteger(dimension) || dimension < 1) {
    throw refused("INVALID_ARGUMENT", `Expected a dimension of 1 or more but found ${dimension}`);
  }
  if (vectorType === "bits" && dimension % 8 !== 0) {
    throw refused(
      "INVALID_ARGUMENT",
      `Expected a multiple of 8 bits as the dimension but found ${dimension}`,
    );
  }
  if (dimension > MAX_DIMENSION) {
    throw refused(
      "LIMIT_EXCEEDED",
      `Expected a dimension of at most ${MAX_DIMENSION} but found ${dimension}`,
    );
  }
  if (spec.filterFields !== undefined) {
    throw refused("INVALID_ARGUMENT", "Expected no filterFields for the local backend but found some");
  }
  const unknown = Object.keys(spec.params ?? {});
  if (unknown.length > 0) {
    throw refused(
      "INVALID_ARGUMENT",
      `Expected no params for the local backend but found ${unknown.join(", ")}`,
    );
  }
  const fitting = Math.floor(MAX_BLOCK_BYTES / rowBytes({ dimension, vectorType }));
  const rowsPerBlock = Math.max(1, Math.min(ROWS_PER_BLOCK, fitting));
  return { dimension, metric, vectorType, rowsPerBlock, version: 0, slots: 0, size: 0, sequence: 0 };
}

function refused(
  code: "METRIC_NOT_SUPPORTED" | "INVALID_ARGUMENT" | "LIMIT_EXCEEDED",
  message: string,
): NearsightError {
  return new NearsightError({ code, message, hint: "Change that option of the index" });
}
