/** What servers say is shown without the credentials they were asked with. */

import { expect, test } from "vitest";
import { withoutSecrets } from "../../../core/backends/remote/secrets.ts";

test("each place of each secret is hidden", () => {
  expect(withoutSecrets("user:hunter2 sent dXNlcjpodW50ZXIy, hunter2", ["hunter2", "dXNlcjpodW50ZXIy"])).toBe(
    "user:*** sent ***, ***",
  );
});

test("an empty secret hides nothing, and signs of patterns are only text", () => {
  expect(withoutSecrets("a.b $& (c", ["", ".", "$&", "("])).toBe("a***b *** ***c");
});

test("a long text is cut, after its secrets were hidden", () => {
  const shown = withoutSecrets(`${"x".repeat(496)}hunter2${"y".repeat(100)}`, ["hunter2"]);
  expect(shown).toBe(`${"x".repeat(496)}***y…`);
});
