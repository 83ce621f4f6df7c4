/** Writes the stages of a resolved view as a view that requests can carry. */

import type { Stage } from "../core/stages.ts";
import type { ResolvedOrderStage, StoreStage } from "../core/store/store.ts";

/** A view as requests carry it. */
export interface WireView {
  readonly stages: readonly Stage[];
}

/** The searches that orders came from, as the server can do them again. */
const searches = new WeakMap<ResolvedOrderStage, Stage>();

/** Remembers the search that an order came from. */
export function rememberSearch(order: ResolvedOrderStage, search: Stage): ResolvedOrderStage {
  searches.set(order, search);
  return order;
}

/** The same view for a request; undefined for a whole data set. */
export function wireView(stages: readonly StoreStage[]): WireView | undefined {
  return stages.length === 0 ? undefined : { stages: stages.flatMap(wireStages) };
}

/**
 * A resolved order is sent as the ids it came to. Only where rows carry its distances, which a view may filter and
 * sort by, is the search itself sent.
 */
function wireStages(stage: StoreStage): readonly Stage[] {
  if (stage.stage !== "resolvedOrder") return [stage];
  const search = searches.get(stage);
  if (stage.distances !== undefined && search !== undefined) return [search];
  const { ids, labels } = stage;
  return [
    ...(labels === undefined ? [] : [{ stage: "selectLabels", ...labels } as const]),
    { stage: "select", ids, ordered: true },
  ];
}

/** The stages that show just these rows of a view as it shows them; rows that are gone are left out. */
export function stagesOfRows(stages: readonly StoreStage[], ids: readonly string[]): StoreStage[] {
  const hasDistances = stages.some(
    (stage) => stage.stage === "resolvedOrder" && stage.distances !== undefined,
  );
  const kept = hasDistances ? stages : stages.flatMap(shaping);
  return [...kept, { stage: "select", ids, ordered: true }];
}

/** What a stage says of how rows look; nothing of which there are. */
function shaping(stage: StoreStage): StoreStage[] {
  switch (stage.stage) {
    case "filterLabels":
      return [{ ...stage, onlyMatches: false }];
    case "selectLabels":
    case "toPatches":
      return [stage];
    case "resolvedOrder":
      return stage.labels === undefined ? [] : [{ stage: "selectLabels", ...stage.labels }];
    default:
      return [];
  }
}
