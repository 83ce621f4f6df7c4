/** Reads filters written as text, for the command line: `confidence > 0.5 and tags contains "train"`. */

import { NearsightError } from "../errors.ts";
import { type Comparison, type Filter, type FilterValue, MAX_FILTER_DEPTH } from "../filter.ts";
import { checkFilter } from "./check.ts";

/**
 * A filter from JSON or from text. Conditions are `field = value`, `!=`, `<`, `<=`, `>`, `>=`,
 * `field in ["a", "b"]`, `field contains "a"`, `field startsWith "a"`, `field matches "a"`, `field exists`
 * and `field labels (condition)`; they are joined by `and`, `or`, `not` and parentheses. Texts take double or
 * single quotes, names with other characters backquotes. INVALID_FILTER points at the position.
 *
 * @example
 * parseFilter('uniqueness >= 0.5 and not (tags contains "draft")');
 */
export function parseFilter(text: string): Filter {
  if (text.trimStart().startsWith("{")) return checkFilter(parseJson(text));
  const parser = new Parser(text, tokensOf(text));
  const filter = parser.alternatives(0);
  parser.end();
  return checkFilter(filter);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new NearsightError({
      code: "INVALID_FILTER",
      message: `Expected a filter in JSON but found text that is none: ${(cause as Error).message}`,
      hint: 'Write it as text instead, such as confidence > 0.5 and tags contains "train"',
      cause,
    });
  }
}

interface Token {
  readonly kind: "word" | "name" | "text" | "number" | "sign" | "end";
  readonly value: string;
  readonly at: number;
}

const TOKEN =
  /\s*(?:(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\p{L}\p{N}_])|(?<word>[\p{L}_][\p{L}\p{N}_.-]*)|`(?<name>[^`]+)`|"(?<double>(?:[^"\\]|\\.)*)"|'(?<single>(?:[^'\\]|\\.)*)'|(?<sign>==|!=|<=|>=|[=<>()[\],]))/uy;

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  while (position < text.trimEnd().length) {
    TOKEN.lastIndex = position;
    const match = TOKEN.exec(text);
    const at = position + (/^\s*/.exec(text.slice(position))?.[0].length ?? 0);
    if (match === null) throw unexpected(text, at, "a field, a value or a sign", shown(text, at));
    tokens.push(tokenOf(match.groups ?? {}, at, text));
    position = TOKEN.lastIndex;
  }
  tokens.push({ kind: "end", value: "", at: text.trimEnd().length });
  return tokens;
}

function tokenOf(groups: Readonly<Record<string, string | undefined>>, at: number, text: string): Token {
  const { number, word, name, double, single, sign } = groups;
  if (number !== undefined) return { kind: "number", value: number, at };
  if (word !== undefined) return { kind: "word", value: word, at };
  if (name !== undefined) return { kind: "name", value: name, at };
  if (sign !== undefined) return { kind: "sign", value: sign, at };
  const quoted = double ?? single ?? "";
  return { kind: "text", value: unescaped(quoted, at, text), at };
}

/** `\"`, `\'` and `\\` stand for the character; the other escapes are JSON's. */
function unescaped(quoted: string, at: number, text: string): string {
  const json = quoted.replaceAll(/\\.|"/gs, (part) => (part === "\\'" ? "'" : part === '"' ? '\\"' : part));
  try {
    return JSON.parse(`"${json}"`) as string;
  } catch {
    throw unexpected(text, at, "a quoted text", "one with an unknown escape or a line break");
  }
}

const COMPARISON_SIGNS: Readonly<Record<string, Comparison>> = {
  "=": "eq",
  "==": "eq",
  "!=": "ne",
  "<": "lt",
  "<=": "lte",
  ">": "gt",
  ">=": "gte",
};

const WORD_VALUES: ReadonlyMap<string, FilterValue> = new Map([
  ["true", true],
  ["false", false],
  ["null", null],
]);

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(text: string, tokens: readonly Token[]) {
    this.#text = text;
    this.#tokens = tokens;
  }

  alternatives(depth: number): Filter {
    return this.#joined("or", () => this.#joined("and", () => this.#negation(depth)));
  }

  end(): void {
    if (this.#peek().kind !== "end") this.#fail("`and`, `or` or the end");
  }

  #joined(op: "and" | "or", part: () => Filter): Filter {
    const filters = [part()];
    while (this.#isWord(op)) {
      this.#next++;
      filters.push(part());
    }
    const [only] = filters;
    return only !== undefined && filters.length === 1 ? only : { op, filters };
  }

  #negation(depth: number): Filter {
    if (depth > MAX_FILTER_DEPTH) this.#fail(`at most ${MAX_FILTER_DEPTH} nested conditions`);
    if (this.#isWord("not")) {
      this.#next++;
      return { op: "not", filter: this.#negation(depth + 1) };
    }
    if (this.#isSign("(")) return this.#parenthesised(depth);
    return this.#condition(depth);
  }

  #parenthesised(depth: number): Filter {
    this.#sign("(");
    const filter = this.alternatives(depth + 1);
    this.#sign(")");
    return filter;
  }

  #condition(depth: number): Filter {
    const field = this.#field();
    const token = this.#peek();
    const comparison = token.kind === "sign" ? COMPARISON_SIGNS[token.value] : undefined;
    if (comparison !== undefined) {
      this.#next++;
      return { op: "compare", field, comparison, value: this.#value() };
    }
    if (token.kind !== "word") this.#fail("a comparison such as `=`, `>` or `contains`");
    this.#next++;
    switch (token.value.toLowerCase()) {
      case "exists":
        return { op: "exists", field };
      case "in":
        return { op: "in", field, values: this.#list() };
      case "contains":
        return { op: "contains", field, value: this.#value() };
      case "startswith":
        return { op: "startsWith", field, value: this.#quoted() };
      case "matches":
        return { op: "matches", field, value: this.#quoted() };
      case "labels":
        return { op: "labels", field, where: this.#parenthesised(depth) };
      case "not":
        this.#word("in");
        return { op: "not", filter: { op: "in", field, values: this.#list() } };
      default:
        this.#next--;
        return this.#fail("a comparison such as `=`, `>` or `contains`");
    }
  }

  #field(): string {
    const token = this.#peek();
    if (token.kind !== "word" && token.kind !== "name") this.#fail("a field name");
    this.#next++;
    return token.value;
  }

  #value(): FilterValue {
    const token = this.#peek();
    this.#next++;
    if (token.kind === "text") return token.value;
    if (token.kind === "number") return Number(token.value);
    const known = token.kind === "word" ? WORD_VALUES.get(token.value.toLowerCase()) : undefined;
    if (known !== undefined) return known;
    this.#next--;
    return this.#fail("a quoted text, a number, true, false or null");
  }

  #quoted(): string {
    if (this.#peek().kind !== "text") this.#fail("a quoted text");
    return String(this.#value());
  }

  #list(): FilterValue[] {
    const close = this.#isSign("(") ? ")" : "]";
    this.#sign(close === ")" ? "(" : "[");
    const values: FilterValue[] = [];
    while (!this.#isSign(close)) {
      if (values.length > 0) this.#sign(",");
      values.push(this.#value());
    }
    this.#sign(close);
    return values;
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: "end", value: "", at: this.#text.length };
  }

  #isWord(word: string): boolean {
    const token = this.#peek();
    return token.kind === "word" && token.value.toLowerCase() === word;
  }

  #isSign(sign: string): boolean {
    const token = this.#peek();
    return token.kind === "sign" && token.value === sign;
  }

  #word(word: string): void {
    if (!this.#isWord(word)) this.#fail(`\`${word}\``);
    this.#next++;
  }

  #sign(sign: string): void {
    if (!this.#isSign(sign)) this.#fail(`\`${sign}\``);
    this.#next++;
  }

  #fail(expected: string): never {
    const { kind, at } = this.#peek();
    throw unexpected(this.#text, at, expected, kind === "end" ? "the end" : shown(this.#text, at));
  }
}

function shown(text: string, at: number): string {
  return `'${text.slice(at, at + 20)}'`;
}

function unexpected(text: string, at: number, expected: string, found: string): NearsightError {
  return new NearsightError({
    code: "INVALID_FILTER",
    message: `Expected ${expected} at character ${at + 1} of the filter but found ${found}`,
    hint: 'Write conditions such as confidence > 0.5 and tags contains "train"; texts take quotes',
    details: { filter: text.slice(0, 200), position: at },
  });
}
