/** Turns stages of ours into FiftyOne's, as its saved views keep them. */

import { deflateSync } from "node:zlib";
import type { BareQuery, SimilarityQuery, SortBySimilarityStage, Stage } from "../../stages.ts";
import { writeNpy } from "../npy.ts";
import type { Document } from "./extended-json.ts";
import { type FieldTypes, fieldPath, writeExpression } from "./write-expressions.ts";
import { toObjectId } from "./write-sample.ts";

/** The arguments of one of FiftyOne's stages, in its order. */
type Arguments = readonly (readonly [name: string, value: unknown])[];

/** The stages as texts, or the name of the first that FiftyOne has no equivalent of. */
export function writeStages(
  stages: readonly Stage[],
  types: FieldTypes,
): { texts: string[] } | { unknown: string } {
  const texts: string[] = [];
  for (const stage of stages) {
    const found = writeStage(stage, types);
    if (found === null) return { unknown: `stage ${stage.stage}` };
    const [name, options] = found;
    texts.push(JSON.stringify({ _cls: `fiftyone.core.stages.${name}`, kwargs: options }));
  }
  return { texts };
}

function writeStage(stage: Stage, types: FieldTypes): [name: string, options: Arguments] | null {
  switch (stage.stage) {
    case "match": {
      const expression = writeExpression(stage.filter, types);
      return expression && ["Match", [["filter", { $expr: expression }]]];
    }
    case "matchTags": {
      const { tags, all = false, not = false } = stage;
      return ["MatchTags", Object.entries({ tags, bool: !not, all })];
    }
    case "filterLabels": {
      const filter = writeExpression(stage.filter, types, "$$this.");
      const { field, onlyMatches = true } = stage;
      const options = { field, filter, only_matches: onlyMatches, trajectories: false };
      return filter && ["FilterLabels", Object.entries(options)];
    }
    case "selectLabels":
      return [
        "SelectLabels",
        Object.entries({ ...noLabels(stage.ids), fields: [stage.field], omit_empty: true }),
      ];
    case "select":
      return [
        "Select",
        Object.entries({ sample_ids: objectIds(stage.ids), ordered: stage.ordered ?? false }),
      ];
    case "exclude":
      return ["Exclude", [["sample_ids", objectIds(stage.ids)]]];
    case "exists":
      return ["Exists", Object.entries({ field: stage.field, bool: !stage.not })];
    case "sortBy": {
      const path = fieldPath(stage.field, types, "$");
      const options = { field_or_expr: path?.slice(1), reverse: stage.reverse ?? false, create_index: false };
      return path === null ? null : ["SortBy", Object.entries(options)];
    }
    case "limit":
      return ["Limit", [["limit", stage.count]]];
    case "skip":
      return ["Skip", [["skip", stage.count]]];
    case "toPatches":
      return ["ToPatches", Object.entries({ field: stage.field, config: null })];
    case "sortBySimilarity":
      return writeSimilarity(stage);
    default:
      // FiftyOne would take and shuffle by random numbers of its own.
      return null;
  }
}

function writeSimilarity(stage: SortBySimilarityStage): [string, Arguments] | null {
  const query = writeQuery(stage.query);
  if (query === null || stage.maxDistance !== undefined || stage.brainKey === undefined) return null;
  if (stage.aggregation !== undefined && stage.aggregation !== "mean") return null;
  const options: Document = {
    query,
    k: stage.k ?? null,
    reverse: stage.reverse ?? false,
    dist_field: stage.distField ?? null,
    brain_key: stage.brainKey,
  };
  return ["SortBySimilarity", Object.entries(options)];
}

function writeQuery(query: SimilarityQuery | BareQuery): unknown {
  if ("bare" in query) return null;
  if ("id" in query) return toObjectId(query.id);
  if ("ids" in query) return objectIds(query.ids);
  if ("prompt" in query) return query.prompt;
  if ("prompts" in query) return query.prompts;
  if ("vector" in query) return packed([query.vector], [query.vector.length]);
  if (!("vectors" in query)) return null;
  return packed(query.vectors, [query.vectors.length, query.vectors[0]?.length ?? 0]);
}

function packed(rows: readonly (readonly number[])[], shape: readonly number[]): string {
  return deflateSync(writeNpy({ data: Float64Array.from(rows.flat()), shape })).toString("base64");
}

function noLabels(ids: readonly string[]): Document {
  return { labels: null, ids: objectIds(ids), instance_ids: null, tags: null };
}

function objectIds(ids: readonly string[]): string[] {
  return ids.map(toObjectId);
}
