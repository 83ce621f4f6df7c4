/** Embedding a stream: batches, order, outcomes for bad items, reading ahead, and what stops it. */

import { describe, expect, test } from "vitest";
import { NearsightError } from "../../../core/errors.ts";
import { matrix } from "../../../core/matrix.ts";
import { type EmbedItem, embedAll } from "../../../core/models/embed.ts";
import type { EmbeddingModel } from "../../../core/models/model.ts";

/** A model of 1 x 1 pictures whose vector is their three numbers; refuses batches that hold a 13. */
function pixelModel(overrides: Partial<EmbeddingModel> = {}): EmbeddingModel & { calls: number[] } {
  const calls: number[] = [];
  return {
    calls,
    name: "pixel",
    dimension: 3,
    fingerprint: "0",
    maxBatch: 16,
    input: {
      kind: "image",
      width: 1,
      height: 1,
      resize: null,
      resample: "nearest",
      centerCrop: null,
      rescale: null,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    },
    async embed({ data, shape }) {
      calls.push(shape[0] as number);
      if (data.includes(13)) throw new Error("unlucky");
      return matrix(
        data.map((value) => (value === 99 ? Number.NaN : value)),
        3,
      );
    },
    ...overrides,
  };
}

async function* stream(values: readonly (number | Error | Float32Array)[]): AsyncIterable<EmbedItem> {
  for (const [i, value] of values.entries()) {
    if (value instanceof Error) yield { id: `${i}`, error: value };
    else yield { id: `${i}`, tensor: typeof value === "number" ? new Float32Array(3).fill(value) : value };
  }
}

async function collect(model: EmbeddingModel, items: AsyncIterable<EmbedItem>, options = {}) {
  const ids: string[] = [];
  const first: number[] = [];
  const failed: Record<string, string> = {};
  let batches = 0;
  for await (const batch of embedAll(model, items, options)) {
    batches++;
    ids.push(...batch.ids);
    for (let i = 0; i < batch.vectors.rows; i++) first.push(batch.vectors.row(i)[0] as number);
    for (const { id, error } of batch.failed) failed[id] = error.message;
    expect(batch.vectors.rows).toBe(batch.ids.length);
  }
  return { ids, first, failed, batches };
}

describe("embedAll", () => {
  test("keeps the order and the pairing, in batches of 8", async () => {
    const model = pixelModel();
    const values = Array.from({ length: 19 }, (_, i) => i + 20);
    const { ids, first, batches } = await collect(model, stream(values));
    expect(ids).toEqual(values.map((_, i) => `${i}`));
    expect(first).toEqual(values);
    expect([batches, model.calls]).toEqual([3, [8, 8, 3]]);
  });

  test("never gives the model more than it takes", async () => {
    const model = pixelModel({ maxBatch: 2 });
    await collect(model, stream([1, 2, 3, 4, 5]), { batchSize: 100 });
    expect(model.calls).toEqual([2, 2, 1]);
  });

  test("finds the bad item of a batch and embeds the others", async () => {
    const { ids, first, failed } = await collect(pixelModel(), stream([1, 2, 13, 4, 5, 6]));
    expect(ids).toEqual(["0", "1", "3", "4", "5"]);
    expect(first).toEqual([1, 2, 4, 5, 6]);
    expect(failed).toEqual({ 2: expect.stringContaining("unlucky") });
  });

  test("passes on items that came with an error, and refuses wrong tensors and NaN", async () => {
    const missing = new NearsightError({ code: "MEDIA_NOT_FOUND", message: "gone" });
    const { ids, failed } = await collect(pixelModel(), stream([missing, 1, new Float32Array(2), 99]));
    expect(ids).toEqual(["1"]);
    expect(failed).toEqual({
      0: "gone",
      2: expect.stringContaining("3 numbers"),
      3: expect.stringContaining("NaN"),
    });
  });

  test("a batch of failures needs no run", async () => {
    const model = pixelModel();
    const { batches } = await collect(model, stream([new Error("a"), new Error("b")]));
    expect([batches, model.calls]).toEqual([1, []]);
  });

  test("no items give no batches", async () => {
    expect((await collect(pixelModel(), stream([]))).batches).toBe(0);
  });

  test.each(["CLOSED", "PACKAGE_MISSING", "ABORTED"] as const)(
    "%s ends it instead of failing every item",
    async (code) => {
      const model = pixelModel({ embed: () => Promise.reject(new NearsightError({ code, message: "no" })) });
      await expect(collect(model, stream([1, 2]))).rejects.toMatchObject({ code });
    },
  );

  test("a model that cannot be loaded ends it", async () => {
    const error = new NearsightError({
      code: "MODEL_INVALID",
      message: "broken",
      details: { stage: "load" },
    });
    await expect(collect(pixelModel({ embed: () => Promise.reject(error) }), stream([1, 2]))).rejects.toBe(
      error,
    );
  });

  test("a signal ends it with ABORTED", async () => {
    const controller = new AbortController();
    const model = pixelModel({
      async embed({ data }) {
        controller.abort();
        return matrix(data, 3);
      },
    });
    const running = collect(model, stream(Array(50).fill(1)), { signal: controller.signal });
    await expect(running).rejects.toMatchObject({ code: "ABORTED" });
  });

  test("an error of the stream itself is thrown after the batches before it", async () => {
    async function* broken(): AsyncIterable<EmbedItem> {
      yield* stream([1, 2]);
      throw new Error("disk gone");
    }
    const ids: string[] = [];
    const running = (async () => {
      for await (const batch of embedAll(pixelModel(), broken(), { batchSize: 2 })) ids.push(...batch.ids);
    })();
    await expect(running).rejects.toThrow("disk gone");
    expect(ids).toEqual(["0", "1"]);
  });

  test("the next batch is read while the model works", async () => {
    async function* counted(onSecond: () => void): AsyncIterable<EmbedItem> {
      let read = 0;
      for await (const item of stream([1, 2, 3, 4])) {
        if (++read === 4) onSecond();
        yield item;
      }
    }
    const secondRead = Promise.withResolvers<void>();
    const model = pixelModel({
      async embed({ data }) {
        // Never ends unless the second batch is read meanwhile.
        await secondRead.promise;
        return matrix(data, 3);
      },
    });
    const running = collect(model, counted(secondRead.resolve), { batchSize: 2 });
    expect((await running).ids.length).toBe(4);
  });

  test("a consumer that stops early ends the stream", async () => {
    let ended = false;
    async function* endless(): AsyncIterable<EmbedItem> {
      try {
        while (true) yield { id: "x", tensor: new Float32Array(3) };
      } finally {
        ended = true;
      }
    }
    for await (const _ of embedAll(pixelModel(), endless())) break;
    expect(ended).toBe(true);
  });

  test("a batch size that is no whole number is INVALID_ARGUMENT", () => {
    expect(() => embedAll(pixelModel(), stream([]), { batchSize: 0.5 })).toThrowError(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });
});

test("items whose vector is known come along in order and cost the model nothing", async () => {
  const model = pixelModel();
  async function* mixed(): AsyncIterable<EmbedItem> {
    for (let i = 0; i < 100; i++) {
      const values = new Float32Array(3).fill(i);
      if (i % 10 === 0) yield { id: `${i}`, tensor: values.map((value) => value + 0.5) };
      else yield { id: `${i}`, vector: values };
    }
  }
  const { ids, first, batches } = await collect(model, mixed(), { batchSize: 4 });
  expect(ids).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`));
  expect(first).toEqual(Array.from({ length: 100 }, (_, i) => (i % 10 === 0 ? i + 0.5 : i)));
  expect(model.calls).toEqual([4, 3, 3]);
  expect(batches).toBe(4);
});
