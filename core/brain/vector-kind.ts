/** Bits and floats have metrics of their own, and do not turn into each other. */

import { isBinaryMetric, type Metric } from "../backends/metric.ts";
import { NearsightError } from "../errors.ts";

/** METRIC_NOT_SUPPORTED where a metric is of the other kind than the vectors, which `what` names. */
export function assertMetricOf(metric: Metric, isBinary: boolean, what: string): void {
  if (isBinaryMetric(metric) === isBinary) return;
  throw new NearsightError({
    code: "METRIC_NOT_SUPPORTED",
    message: `Expected a metric for ${what} but found '${metric}'`,
    hint: isBinary ? "Use jaccard or hamming" : "Use cosine, dotproduct or euclidean",
  });
}
