/** Writes the caption of a composed scene. */
import type { ArtConcept } from "./art.ts";

const NUMBERS = ["no", "one", "two", "three", "four", "five", "six"];

function phrase(concept: ArtConcept, count: number): string {
  if (concept.article === "some") return `some ${concept.plural ?? concept.name}`;
  if (count > 1) return `${NUMBERS[count] ?? count} ${concept.plural ?? `${concept.name}s`}`;
  return `${/^[aeiou]/.test(concept.name) && !/^u(?:ni|k)/.test(concept.name) ? "an" : "a"} ${concept.name}`;
}

/** "A photo of a dog, two apples and a bus.": concepts in the order they first appear. */
export function writeCaption(concepts: readonly ArtConcept[]): string {
  const counts = new Map<ArtConcept, number>();
  for (const concept of concepts) counts.set(concept, (counts.get(concept) ?? 0) + 1);
  const phrases = [...counts].map(([concept, count]) => phrase(concept, count));
  const last = phrases.pop() ?? "nothing";
  return `A photo of ${phrases.length === 0 ? last : `${phrases.join(", ")} and ${last}`}.`;
}
