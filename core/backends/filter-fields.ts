/** Fields kept beside vectors, their values, and conditions on them: plain JSON that the brain and the backends share. */

/** What values a field has; `texts` is a list of them. */
export type FieldKind = "text" | "texts" | "number" | "boolean";

/** A field to keep: `key` has small letters, digits and underscores, a letter first. */
export interface FilterField {
  readonly key: string;
  readonly kind: FieldKind;
}

/** Texts come as a list, however many there are; numbers are finite. */
export type FieldValue = readonly string[] | number | boolean;

/** The values of one entry by key; what it has no value of is left out. */
export type FieldValues = Readonly<Record<string, FieldValue>>;

/** A condition on fields. Nothing holds for a value that is missing. */
export type FieldCondition =
  | { readonly op: "and" | "or"; readonly conditions: readonly FieldCondition[] }
  /** One of the entry's texts is one of these. */
  | { readonly op: "oneOf"; readonly key: string; readonly texts: readonly string[] }
  /** Both ends included. */
  | { readonly op: "between"; readonly key: string; readonly from: number; readonly to: number }
  | { readonly op: "is"; readonly key: string; readonly value: boolean };

/**
 * What entries a search is limited to: those that meet the condition, and those of which it is not known whether they
 * do. These are the ones written without values, and those named.
 */
export interface EntryFilter {
  readonly condition: FieldCondition;
  readonly unsure: readonly string[];
}
