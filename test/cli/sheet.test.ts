/** The result sheet: one page without anything from elsewhere, whatever texts it shows. */

import { expect, test } from "vitest";
import { renderSheet, type SheetResult } from "../../cli/sheet.ts";
import { isWellFormed } from "../support/html.ts";

const PICTURE = { dataUrl: "data:image/webp;base64,AAAA", width: 40, height: 30 };

function result(changes: Partial<SheetResult>): SheetResult {
  return {
    rank: 1,
    id: "a",
    filepath: "/x/a.jpg",
    score: 0.9,
    distance: 0.1,
    thumbnail: PICTURE,
    ...changes,
  };
}

function page(results: readonly SheetResult[], label = "a dog"): string {
  return renderSheet({
    title: "Dogs",
    searches: [{ query: { kind: "prompt", label }, results, facts: { k: "3" } }],
  });
}

test("texts that look like markup are shown, not run", () => {
  const evil = `"><script>alert('1')</script>&`;
  const html = page([result({ filepath: `/x/${evil}`, labels: [evil], id: evil })], evil);
  expect(html).not.toContain("<script");
  expect(html).toContain("&quot;&gt;&lt;script&gt;");
  expect(isWellFormed(html)).toBe(true);
});

test("a picture that is gone leaves a placeholder in its place", () => {
  const html = page([result({}), result({ rank: 2, thumbnail: null, filepath: "/x/tmp0.jpg" })]);
  expect(html.match(/<img /g)).toHaveLength(1);
  expect(html).toContain("tmp0.jpg");
  expect(html).toContain("no picture");
});

test("pictures say what they show, and boxes lie over them", () => {
  const html = page([result({ rank: 4, labels: ["dog"], box: [0.25, 0.5, 0.5, 0.25] })]);
  expect(html).toContain('alt="Result 4: dog in a.jpg"');
  expect(html).toContain('style="left: 25%; top: 50%; width: 50%; height: 25%"');
});

test("labels beyond three are counted", () => {
  const html = page([result({ labels: ["cat", "dog", "pig", "cow", "bus"] })]);
  expect(html).toContain('<li title="cow, bus">+2</li>');
});

test("an empty answer says so", () => {
  expect(page([])).toContain("Nothing found.");
});
