/** Conditions in Milvus' expression language: the one place where ids become part of a text. */

/**
 * An id as a literal. A quote ends one, a backslash begins an escape, and a line break is no part of one in the
 * grammar of the server (`Plan.g4`, StringLiteral); everything else stands for itself. These escapes are the ones
 * that Milvus, which reads them by Go's `strconv.Unquote`, and milvus-lite have in common.
 */
export function literal(text: string): string {
  return `"${text.replaceAll(/["\\\n\r]/g, (character) => ESCAPES[character] ?? character)}"`;
}

const ESCAPES: Readonly<Record<string, string>> = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r" };

/** The condition that the primary key is one of `ids`. */
export function isOneOf(field: string, ids: readonly string[]): string {
  return `${field} in [${ids.map(literal).join(",")}]`;
}

/** The condition that the primary key lies between two, both included, or after one. */
export function isBetween(field: string, first: string, last: string): string {
  return `${field} >= ${literal(first)} and ${field} <= ${literal(last)}`;
}

export function isAfter(field: string, id: string): string {
  return `${field} > ${literal(id)}`;
}

export function isUpTo(field: string, id: string): string {
  return `${field} <= ${literal(id)}`;
}

/** True for every entry, which a query needs to be told. */
export function isAny(field: string): string {
  return `${field} >= ""`;
}
