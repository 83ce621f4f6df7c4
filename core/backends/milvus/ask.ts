/** One search call of the server. */

import { type Matrix, matrix, rowLength, type VectorData } from "../../matrix.ts";
import type { Columns } from "../backend.ts";
import { inHalves } from "../remote/halves.ts";
import { inOrder } from "../remote/ranking.ts";
import { unlessAborted } from "../remote/retry.ts";
import type { Access } from "./access.ts";
import { allWithin, isQuantised } from "./index-types.ts";
import { refined } from "./refine.ts";
import { hitsOf } from "./rows.ts";
import { keyValues, METRIC_TYPES } from "./schema.ts";
import { placeholders } from "./wire.ts";

export interface PartOptions {
  readonly k: number;
  readonly params: Readonly<Record<string, unknown>>;
  readonly expression?: string;
  readonly signal?: AbortSignal | undefined;
}

/** The k nearest of each query among the entries that meet a condition, in order. */
export async function searchPart(
  access: Access,
  queries: Matrix<VectorData>,
  options: PartOptions,
): Promise<Columns[]> {
  const found: Columns[] = [];
  await inHalves(
    Array.from({ length: queries.rows }, (_, row) => row),
    async (rows) => {
      found.push(...(await searchOnce(access, someRows(queries, rows[0] ?? 0, rows.length), options)));
    },
  );
  return found;
}

async function searchOnce(
  access: Access,
  queries: Matrix<VectorData>,
  { k, params, expression = "", signal }: PartOptions,
): Promise<Columns[]> {
  const layout = await access.layout();
  const unindexed = (await unlessAborted(access.hasUnindexed(), signal))
    ? allWithin(layout.indexType, layout.metric)
    : {};
  const request = {
    dsl: expression,
    dsl_type: BOOLEAN_EXPRESSION,
    placeholder_group: placeholders(queries),
    output_fields: layout.fields.sampleId === null ? [] : [layout.fields.sampleId],
    search_params: keyValues({
      anns_field: layout.fields.vector,
      topk: k,
      metric_type: METRIC_TYPES[layout.metric],
      params: JSON.stringify({ ...params, ...unindexed }),
      round_decimal: -1,
    }),
    nq: queries.rows,
    ...(await access.freshness("own writes")),
  };
  const { message } = await access.call("Search", request, { signal });
  const found = hitsOf(message, layout, queries.rows);
  return isQuantised(layout.indexType) ? refined(access, queries, found, signal) : found.map(inOrder);
}

/** `DslType.BoolExprV1`. */
const BOOLEAN_EXPRESSION = 1;

/** Some rows in a row, not copied. */
export function someRows(source: Matrix<VectorData>, first: number, count: number): Matrix<VectorData> {
  const length = rowLength(source.data, source.dimension);
  return matrix(source.data.subarray(first * length, (first + count) * length), source.dimension);
}
