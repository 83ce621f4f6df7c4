/** Ids as part of a condition: none can end its literal or change the condition. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { isBetween, isOneOf, literal } from "../../../core/backends/milvus/expression.ts";

/** Reads a literal as `strconv.Unquote` of Go reads it, as far as literals of ours go; null for what is none. */
function unquoted(text: string): string | null {
  if (!/^"(?:[^"\\\n\r]|\\["\\nr])*"$/.test(text)) return null;
  const meanings: Record<string, string> = { n: "\n", r: "\r" };
  return text.slice(1, -1).replaceAll(/\\(.)/g, (_, letter: string) => meanings[letter] ?? letter);
}

const texts = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom('"', "'", "\\", "\n", "\r", "\t", "\0", "n", " ", "]", ",") }),
);

test("a literal is one literal and means the id", () => {
  fc.assert(
    fc.property(texts, (id) => {
      expect(unquoted(literal(id))).toBe(id);
    }),
    { numRuns: 1000 },
  );
});

test("a condition on several ids has as many literals, each one of them", () => {
  fc.assert(
    fc.property(fc.array(texts, { minLength: 1, maxLength: 5 }), (ids) => {
      const condition = isOneOf("pk", ids);
      const found = [...condition.matchAll(/"(?:[^"\\]|\\.)*"/gsu)].map(([text]) => unquoted(text));
      expect(found).toEqual(ids);
      expect(condition.replaceAll(/"(?:[^"\\]|\\.)*"/gsu, "?")).toBe(
        `pk in [${ids.map(() => "?").join(",")}]`,
      );
    }),
  );
});

test("FiftyOne's injection is an id like others", () => {
  expect(isOneOf("pk", ['x"] or pk != "" or pk in ["x'])).toBe(
    String.raw`pk in ["x\"] or pk != \"\" or pk in [\"x"]`,
  );
  expect(isBetween("pk", 'a" or "', "b")).toBe(String.raw`pk >= "a\" or \"" and pk <= "b"`);
});
