/** Explains a view: each stage with where it runs, and how its searches were done. */

import type { Stage } from "../stages.ts";
import type { SearchExplanation, StageExplanation } from "./answer-port.ts";

/** Longer lists of a stage are given by their length. */
const SHOWN_VALUES = 10;

/** Options that may hold vectors or bytes; the search's explanation says what kind of query it was. */
const NEVER_SHOWN = new Set(["stage", "query"]);

/** Stages with their explanations; `searches` are those of the similarity stages, in order. */
export function explainStages(
  stages: readonly Stage[],
  searches: readonly SearchExplanation[],
): StageExplanation[] {
  const left = [...searches];
  return stages.map((stage) => {
    const search = stage.stage === "sortBySimilarity" ? left.shift() : undefined;
    const options = Object.entries(stage).filter(([name]) => !NEVER_SHOWN.has(name));
    return {
      stage: stage.stage,
      runs: stage.stage === "sortBySimilarity" ? "index" : "store",
      options: Object.fromEntries(options.map(([name, value]) => [name, shortened(value)])),
      ...(search === undefined ? {} : { search }),
    };
  });
}

/** Makes Node.js print an object whole, which it does only two levels deep by itself; JSON stays as it is. */
export function printedWhole<Value extends object>(value: Value): Value {
  const print = (
    _depth: number,
    options: object,
    inspect: (value: unknown, options: object) => string,
  ): string => inspect({ ...value }, { ...options, depth: null });
  return Object.defineProperty(value, Symbol.for("nodejs.util.inspect.custom"), { value: print });
}

function shortened(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.length > SHOWN_VALUES ? `${value.length} values` : value.map(shortened);
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, shortened(part)]));
}
