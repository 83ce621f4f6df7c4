/** Notes what a search does while it does it, for `view.explain()`. */

import { SEARCH_PHASES, type SearchExplanation, type SearchPhase } from "../../dataset/answer-port.ts";
import type { SimilarityRequest } from "../../dataset/similarity-port.ts";
import type { RunRecord } from "../../store/store-runs.ts";
import type { QueryPlan } from "./query.ts";

/** What one search came to so far. */
export class SearchTrace {
  exact = true;
  searches = 0;
  scans = 0;
  refills = 0;
  dropped = 0;
  readonly fallbacks = new Set<string>();
  readonly driver: Record<string, unknown> = {};
  readonly #milliseconds = new Map<SearchPhase, number>();

  /** Runs `work` and adds its time to a phase; phases that overlap count each in full. */
  async time<Result>(phase: SearchPhase, work: () => Promise<Result>): Promise<Result> {
    const start = performance.now();
    try {
      return await work();
    } finally {
      this.#milliseconds.set(phase, (this.#milliseconds.get(phase) ?? 0) + performance.now() - start);
    }
  }

  /** Takes a driver's facts; whether the call was exact is told apart. */
  note({ exact: _, ...facts }: Readonly<Record<string, unknown>>): void {
    Object.assign(this.driver, facts);
  }

  get milliseconds(): Record<SearchPhase, number> {
    const times = SEARCH_PHASES.map((phase) => [phase, rounded(this.#milliseconds.get(phase) ?? 0)]);
    return Object.fromEntries(times);
  }
}

/** What is known of a search besides its trace. */
export interface Searched {
  readonly run: RunRecord;
  readonly request: SimilarityRequest;
  /** Null where the index has no entry yet. */
  readonly plan: QueryPlan | null;
  readonly within: SearchExplanation["within"];
  readonly hits: number;
  readonly lost: readonly string[];
}

/** The trace as users see it. */
export function explainSearch(
  trace: SearchTrace,
  { run, request, plan, within, hits, lost }: Searched,
): SearchExplanation {
  const { backend, collectionName, metric, model, patchesField } = run.config;
  const { stage } = request;
  const [kind = ""] = Object.keys(stage.query).filter((name) => name !== "by");
  return {
    brainKey: run.key,
    backend,
    collectionName,
    metric,
    model,
    patchesField,
    query: { kind, vectors: vectorsOf(plan), aggregation: stage.aggregation ?? "mean" },
    k: stage.k ?? null,
    reverse: stage.reverse ?? false,
    maxDistance: stage.maxDistance ?? null,
    within,
    exact: trace.exact,
    calls: { search: trace.searches, scan: trace.scans },
    fallbacks: [...trace.fallbacks],
    dropped: trace.dropped,
    refills: trace.refills,
    hits,
    lost,
    driver: trace.driver,
    milliseconds: trace.milliseconds,
  };
}

function vectorsOf(plan: QueryPlan | null): number {
  if (plan === null) return 0;
  return plan.kind === "fuse" ? plan.terms.length : plan.vectors.rows;
}

function rounded(milliseconds: number): number {
  return Number(milliseconds.toFixed(2));
}
