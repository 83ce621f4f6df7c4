/** Writes filters as the text that the command line takes. */

import type { Filter, FilterValue } from "../../core/filter.ts";

const SIGNS = { eq: "=", ne: "!=", lt: "<", lte: "<=", gt: ">", gte: ">=" } as const;

/** The filter as text; names must be free of backquotes, `and` and `or` need two parts. */
export function filterText(filter: Filter): string {
  switch (filter.op) {
    case "and":
    case "or":
      return filter.filters.map((part) => `(${filterText(part)})`).join(` ${filter.op} `);
    case "not":
      return `not (${filterText(filter.filter)})`;
    case "labels":
      return `\`${filter.field}\` labels (${filterText(filter.where)})`;
    case "compare":
      return `\`${filter.field}\` ${SIGNS[filter.comparison]} ${valueText(filter.value)}`;
    case "in":
      return `\`${filter.field}\` in [${filter.values.map(valueText).join(", ")}]`;
    case "exists":
      return `\`${filter.field}\` exists`;
    default:
      return `\`${filter.field}\` ${filter.op} ${valueText(filter.value)}`;
  }
}

function valueText(value: FilterValue): string {
  return JSON.stringify(value);
}
