/** Samples of any value: kept exactly, or refused before anything is written. */

import { beforeAll, describe, expect, test } from "vitest";
import type { Nearsight } from "../../../core/nearsight.ts";
import { temporaryNearsight } from "../../support/temporary.ts";
import { EDGE_NUMBERS } from "./edge-numbers.ts";

let ns: Nearsight;

beforeAll(async () => {
  ns = await temporaryNearsight();
});

describe("values of fields", () => {
  class Point {
    readonly x = 1;
  }
  const refused = {
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining("'v"),
    hint: expect.any(String),
  };

  test.each<[string, unknown]>([
    ["no date", new Date(Number.NaN)],
    ["a map", new Map([[1, 2]])],
    ["a set", new Set([1])],
    ["bytes", new Uint8Array(3)],
    ["whole numbers", new Int16Array(3)],
    ["a buffer", new ArrayBuffer(3)],
    ["a regular expression", /a/],
    ["a promise", Promise.resolve(1)],
    ["a boxed number", Object(5)],
    ["a symbol", Symbol("v")],
    ["a big number", 5n],
    ["a function", () => 1],
    ["infinity deep inside", { a: [{ b: Number.POSITIVE_INFINITY }] }],
    ["a map deep inside", { a: [new Map()] }],
    ["detections that are no list", { _cls: "Detections", detections: 5 }],
    ["detections that are missing", { _cls: "Detections" }],
    ["a detection of null", { _cls: "Detections", detections: [null] }],
    ["a detection of text", { _cls: "Detections", detections: ["cat"] }],
    ["a box of text", { _cls: "Detections", detections: [{ label: "a", boundingBox: "0 0 1 1" }] }],
    [
      "a box without end",
      { _cls: "Detections", detections: [{ label: "a", boundingBox: [0, 0, 1, Number.POSITIVE_INFINITY] }] },
    ],
    ["attributes of text", { _cls: "Classification", label: "a", attributes: "none" }],
    ["attributes of null", { _cls: "Classification", label: "a", attributes: null }],
    ["a confidence of text", { _cls: "Classification", label: "a", confidence: "high" }],
  ])("%s is INVALID_ARGUMENT", async (_, v) => {
    const dataset = await ns.createDataset();
    await expect(dataset.addSample({ filepath: "/a.jpg", v })).rejects.toMatchObject(refused);
    expect(await dataset.count()).toBe(0);
  });

  test.each<[string, unknown]>([
    ["null", null],
    ["a number", 5],
    ["a text", "/a.jpg"],
    ["a list", ["/a.jpg"]],
  ])("%s is no sample", async (_, sample) => {
    const dataset = await ns.createDataset();
    const code = "INVALID_ARGUMENT";
    await expect(dataset.addSamples([sample] as never)).rejects.toMatchObject({ code });
    expect(await dataset.count()).toBe(0);
  });

  test("one sample in place of a list is refused", async () => {
    const dataset = await ns.createDataset();
    for (const samples of [null, 5, { filepath: "/a.jpg" }]) {
      await expect(dataset.addSamples(samples as never)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
  });

  test("objects of a class are kept as their members, numbers at the edges exactly", async () => {
    const dataset = await ns.createDataset();
    const v = { point: new Point(), numbers: EDGE_NUMBERS.filter((value) => !Object.is(value, -0)) };
    const id = await dataset.addSample({ filepath: "/a.jpg", v });
    expect((await dataset.sample(id)).get("v")).toEqual({ point: { x: 1 }, numbers: v.numbers });
  });
});
