/** Values as cells of a CSV file and back: plain text where that is clear, else JSON. */

/** What a cell is: text, or the kind of JSON value. `raw` takes a cell as it stands. */
export type CellKind = "text" | "number" | "boolean" | "list" | "object" | "raw";

/** Python writes a missing number so. */
const NOT_A_NUMBER = /^(nan|NaN)$/;
/** Python, and spreadsheets, write truth values with capitals. */
const TRUTH_VALUE = /^(true|True|TRUE|false|False|FALSE)$/;

/** What a cell looks like; null where it is empty, or a number that is missing. */
export function kindOfCell(cell: string): CellKind | null {
  if (cell === "" || NOT_A_NUMBER.test(cell)) return null;
  if (TRUTH_VALUE.test(cell)) return "boolean";
  const value = parsed(cell);
  if (typeof value === "number") return isExact(cell, value) ? "number" : "text";
  if (Array.isArray(value)) return "list";
  return typeof value === "object" && value !== null ? "object" : "text";
}

/** The value of a cell of a column of this kind; undefined where it has none. */
export function decodeCell(cell: string, kind: CellKind): unknown {
  if (kind === "raw") return cell;
  if (kind === "boolean" && TRUTH_VALUE.test(cell)) return cell.toLowerCase() === "true";
  if (kind !== "text") return parsed(cell);
  const value = cell.startsWith('"') ? parsed(cell) : undefined;
  return typeof value === "string" ? value : cell;
}

/** A cell that `decodeCell` makes the value of again; empty for missing values. */
export function encodeCell(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value !== "string") return JSON.stringify(value);
  const plain = value !== "" && kindOfCell(value) === "text" && decodeCell(value, "text") === value;
  return plain ? value : JSON.stringify(value);
}

/** Tags joined by commas, as FiftyOne does; as JSON where one has a comma itself. */
export function encodeTags(tags: readonly string[]): string {
  const plain = tags.every((tag) => tag !== "" && !/[,[\]]/.test(tag) && tag.trim() === tag);
  return plain ? tags.join(",") : JSON.stringify(tags);
}

export function decodeTags(cell: string): string[] {
  const value = cell.startsWith("[") ? parsed(cell) : undefined;
  if (Array.isArray(value) && value.every((tag) => typeof tag === "string")) return value;
  return cell
    .split(",")
    .map((tag) => tag.trim())
    .filter((tag) => tag !== "");
}

function parsed(cell: string): unknown {
  try {
    return JSON.parse(cell);
  } catch {
    return undefined;
  }
}

/** Long whole numbers are ids: as numbers they would become others. */
function isExact(cell: string, value: number): boolean {
  return Number.isFinite(value) && (!/^-?\d+$/.test(cell) || String(value) === cell || Object.is(value, -0));
}
