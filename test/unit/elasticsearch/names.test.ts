/** Names that no index can have are refused before the server is asked. */

import { expect, test } from "vitest";
import { checkName, nameProblem } from "../../../core/backends/elasticsearch/names.ts";

test.each(["pets", "fiftyone-quickstart", "a.b_c-1", "9", "猫", "x".repeat(255)])("%s is a name", (name) => {
  expect(nameProblem(name)).toBeNull();
});

test.each([
  ...[
    "",
    ".",
    "..",
    "-a",
    "_a",
    "+a",
    "Pets",
    "a b",
    "a/b",
    "a\\b",
    "a*",
    "a?",
    'a"',
    "a<",
    "a>",
    "a|",
    "a,b",
  ],
  ...["a#b", "a:b", "a\n", "\ud800", "x".repeat(256), "é".repeat(128)],
])("%j is none", (name) => {
  expect(() => checkName(name)).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT", hint: expect.stringContaining("small letters") }),
  );
});
