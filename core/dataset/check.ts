/** Checks filters and stages that may come from anywhere, before they are used. */

import { NearsightError } from "../errors.ts";
import { type Filter, MAX_FILTER_DEPTH } from "../filter.ts";
import { type BareQuery, STAGES_VERSION, type Stage } from "../stages.ts";
import { filterSchema } from "./filter-schema.ts";
import { stageSchema } from "./stage-schema.ts";

/** The value as a filter; INVALID_FILTER says where it is none. */
export function checkFilter(value: unknown): Filter {
  assertDepth(value);
  const { data, error } = filterSchema().safeParse(value);
  if (data !== undefined) return data;
  throw invalidFilter(firstProblem(error));
}

/** A view's JSON as its stages, each of them still unchecked. INVALID_ARGUMENT */
export function checkView(json: unknown): readonly Stage[] {
  const { version = STAGES_VERSION, stages } = Object(json) as { version?: unknown; stages?: unknown };
  if (!Number.isInteger(version) || Number(version) < 1 || !Array.isArray(stages)) {
    throw new NearsightError({
      code: "INVALID_ARGUMENT",
      message: "Expected a view as an object with a version from 1 on and a list of stages",
      hint: "Pass what view.toJSON() gave",
    });
  }
  if (Number(version) > STAGES_VERSION) throw newerView(Number(version));
  return stages;
}

function newerView(version: number): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected a view of version ${STAGES_VERSION} or older but found version ${version}`,
    hint: "Upgrade nearsight",
    details: { version },
  });
}

/** The value as a stage; INVALID_ARGUMENT, or INVALID_FILTER for its filter. */
export function checkStage(stage: Stage): Stage {
  if (typeof stage !== "object" || stage === null) throw noStage(stage, "nothing of the kind");
  if (stage.stage === "match" || stage.stage === "filterLabels") checkFilter(stage.filter);
  const { error } = stageSchema(stage.stage).safeParse(withTaggedQuery(stage));
  if (error === undefined) return stage;
  throw noStage(stage, `one with ${firstProblem(error)}`);
}

function noStage(stage: Stage | null, found: string): NearsightError {
  return new NearsightError({
    code: "INVALID_ARGUMENT",
    message: `Expected a view stage but found ${found}`,
    hint: "See the list of stages in core/stages.ts",
    details: { stage: String(stage?.stage).slice(0, 50) },
  });
}

/** Bare strings are of the library alone, so the schema for outside input does not know them. */
function withTaggedQuery(stage: Stage): Stage {
  if (stage.stage !== "sortBySimilarity" || !("bare" in Object(stage.query))) return stage;
  const { bare } = stage.query as BareQuery;
  return { ...stage, query: typeof bare === "string" ? { prompt: bare } : { prompts: bare } };
}

/** Objects on one level of a filter: a few times what a filter may hold of conditions. */
const MAX_WIDTH = 20_000;

/** A schema follows its input down, so that hostile depth would exhaust the stack, and shared parts the memory. */
function assertDepth(value: unknown): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_FILTER_DEPTH) throw invalidFilter(`filters nested more than ${MAX_FILTER_DEPTH} deep`);
    level = level.flatMap(partsOf);
    if (level.length > MAX_WIDTH) throw invalidFilter(`more than ${MAX_WIDTH} parts on one level`);
  }
}

/** The objects among the members; those of a list count as members of what holds it. */
function partsOf(value: unknown): unknown[] {
  const members = Object.values(Object(value)).flat();
  return members.filter((member) => typeof member === "object" && member !== null);
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
