/** Checks filters and stages that may come from anywhere, before they are used. */

import { NearsightError } from "../errors.ts";
import { type Filter, filterSchema, MAX_FILTER_DEPTH } from "../filter.ts";
import { type Stage, stageSchema } from "../stages.ts";

/** The value as a filter; INVALID_FILTER says where it is none. */
export function checkFilter(value: unknown): Filter {
  assertDepth(value);
  const { data, error } = filterSchema.safeParse(value);
  if (data !== undefined) return data;
  throw invalidFilter(firstProblem(error));
}

/** The value as a stage; INVALID_ARGUMENT, or INVALID_FILTER for its filter. */
export function checkStage(stage: Stage): Stage {
  if (stage.stage === "match" || stage.stage === "filterLabels") checkFilter(stage.filter);
  const { error } = stageSchema.safeParse(withTaggedQuery(stage));
  if (error === undefined) return stage;
  throw new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected a view stage but found one with ${firstProblem(error)}`,
    hint: "See the list of stages in core/stages.ts",
    details: { stage: typeof stage === "object" && stage !== null ? stage.stage : null },
  });
}

/** Bare strings are of the library alone, so the schema for outside input does not know them. */
function withTaggedQuery(stage: Stage): Stage {
  if (stage.stage !== "sortBySimilarity" || !("bare" in stage.query)) return stage;
  const { bare } = stage.query;
  return { ...stage, query: typeof bare === "string" ? { prompt: bare } : { prompts: bare } };
}

/** A schema follows its input down, so that hostile depth would exhaust the stack. */
function assertDepth(value: unknown): void {
  let level: unknown[] = [value];
  // Each nested filter takes two levels: the object and the list it is in.
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > 2 * MAX_FILTER_DEPTH + 2) {
      throw invalidFilter(`filters nested more than ${MAX_FILTER_DEPTH} deep`);
    }
    level = level.flatMap((one) => (typeof one === "object" && one !== null ? Object.values(one) : []));
  }
}

type SchemaError = {
  readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
};

function firstProblem(error: SchemaError): string {
  const [issue] = error.issues;
  if (issue === undefined) return "something unknown";
  const place = issue.path.length === 0 ? "" : `${issue.path.join(".")}: `;
  return place + issue.message;
}

function invalidFilter(found: string): NearsightError {
  return new NearsightError({
    code: "INVALID_FILTER",
    message: `Expected a filter but found ${found}`,
    hint: 'Build it with F("field"), or see the list of conditions in core/filter.ts',
  });
}
