/** Token ids of prompts: CLIP's byte-level BPE, WordPiece and unigram, padding and cutting. */

import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../core/models/model-files.ts";
import { createPromptEncoder } from "../../../core/models/tokenizer.ts";
import { clipTokenizer } from "../../../tools/clip-tokenizer.ts";

const SIZE = 800;
const START = SIZE - 2;
const END = SIZE - 1;

function clip(options: { fixedLength?: number; maxLength?: number } = {}) {
  const { tokenizer, config } = clipTokenizer(SIZE, options.maxLength ?? 77);
  return createPromptEncoder({
    tokenizer: tokenizer as JsonObject,
    tokenizerConfig: config as JsonObject,
    config: { model_type: "clip" },
    fixedLength: options.fixedLength ?? null,
  });
}

const numbers = (ids: BigInt64Array) => [...ids].map(Number);

describe("CLIP's byte-level BPE", () => {
  // Ids of single bytes are their place in the order of bytes, at word ends 256 later; pieces follow as learned.
  const letter = (character: string) => character.charCodeAt(0);
  const { vocab } = (clipTokenizer(SIZE, 77).tokenizer as { model: { vocab: Record<string, number> } }).model;

  test.each([
    ["a", [letter("a") + 256]],
    ["cat", [vocab["cat</w>"]]],
    ["CAT", [vocab["cat</w>"]]],
    ["  red \n dog ", [vocab["red</w>"], vocab["dog</w>"]]],
    // "ca" was learned from cat and car, "cats</w>" was not: the merge stops before the end.
    ["cats", [vocab.ca, letter("t"), letter("s") + 256]],
    ["xq", [letter("x"), letter("q") + 256]],
    ["cat, 12", [vocab["cat</w>"], letter(",") + 256, letter("1") + 256, letter("2") + 256]],
    // é in its composed form is the bytes C3 A9.
    ["e\u0301", [0xc3, 0xa9 + 256]],
  ])("%j", async (prompt, ids) => {
    const { ids: found, mask } = await clip().encode([prompt]);
    expect(numbers(found).slice(0, ids.length + 2)).toEqual([START, ...ids, END]);
    expect(numbers(mask).filter((value) => value === 1).length).toBe(ids.length + 2);
  });

  test("fills up to 77 with the end token, under a mask of zeros", async () => {
    const { ids, mask, rows, length } = await clip().encode(["cat", "red dog"]);
    expect([rows, length, ids.length]).toEqual([2, 77, 154]);
    expect(numbers(ids).slice(3, 77)).toEqual(Array(74).fill(END));
    expect(numbers(mask).slice(77, 83)).toEqual([1, 1, 1, 1, 0, 0]);
  });

  test("cuts long prompts and keeps both ends", async () => {
    const { ids, length } = await clip().encode(["cat ".repeat(200)]);
    expect([length, Number(ids[0]), Number(ids[75]), Number(ids[76])]).toEqual([
      77,
      START,
      vocab["cat</w>"],
      END,
    ]);
  });

  test("a graph of fixed length decides", async () => {
    const { length } = await clip({ fixedLength: 16 }).encode(["cat"]);
    expect(length).toBe(16);
  });
});

describe("WordPiece", () => {
  const vocab = { "[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, dog: 4, "##s": 5, a: 6, ",": 7, cafe: 8 };
  const special = (id: number, content: string) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [special(0, "[PAD]"), special(1, "[UNK]"), special(2, "[CLS]"), special(3, "[SEP]")],
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [
        { SpecialToken: { id: "[CLS]", type_id: 0 } },
        { Sequence: { id: "A", type_id: 0 } },
        { SpecialToken: { id: "[SEP]", type_id: 0 } },
      ],
      pair: [],
      special_tokens: {
        "[CLS]": { id: "[CLS]", ids: [2], tokens: ["[CLS]"] },
        "[SEP]": { id: "[SEP]", ids: [3], tokens: ["[SEP]"] },
      },
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab,
    },
  };
  const encoder = (config: object = {}) =>
    createPromptEncoder({
      tokenizer,
      tokenizerConfig: { pad_token: "[PAD]", model_max_length: 6 },
      config: { model_type: "bert", ...config },
      fixedLength: null,
    });

  test("splits words, drops accents and case, pads to the longest", async () => {
    const { ids, mask, length } = await encoder().encode(["Dogs, a CAFÉ", "a zebra"]);
    expect(length).toBe(6);
    expect(numbers(ids)).toEqual([2, 4, 5, 7, 6, 3, 2, 6, 1, 3, 0, 0]);
    expect(numbers(mask).slice(6)).toEqual([1, 1, 1, 1, 0, 0]);
  });

  test("without a limit nothing is cut", async () => {
    const free = createPromptEncoder({
      tokenizer,
      // The tokenizers of Hugging Face write this number for "no limit".
      tokenizerConfig: { pad_token: { content: "[PAD]" }, model_max_length: 1e30 },
      config: {},
      fixedLength: null,
    });
    expect((await free.encode(["a dogs a dogs a dogs"])).length).toBe(11);
  });
});

describe("SigLIP's unigram", () => {
  const pieces: [string, number][] = [
    ["<pad>", 0],
    ["</s>", 0],
    ["<unk>", 0],
    ["▁", -4],
    ["▁dog", -2],
    ["s", -3],
    ["▁red", -2],
  ];
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [0, 1, 2].map((id) => ({
      id,
      content: pieces[id]?.[0],
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: { type: "Lowercase" },
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
    post_processor: {
      type: "TemplateProcessing",
      single: [{ Sequence: { id: "A", type_id: 0 } }, { SpecialToken: { id: "</s>", type_id: 0 } }],
      pair: [],
      special_tokens: { "</s>": { id: "</s>", ids: [1], tokens: ["</s>"] } },
    },
    decoder: { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true },
    model: { type: "Unigram", unk_id: 2, vocab: pieces, byte_fallback: false },
  };

  test("lower-cases and fills up to 64", async () => {
    const encoder = createPromptEncoder({
      tokenizer,
      tokenizerConfig: { pad_token: "</s>", model_max_length: 1e30 },
      config: { model_type: "siglip" },
      fixedLength: null,
    });
    const { ids, length } = await encoder.encode(["Red DOGS"]);
    expect([length, ...numbers(ids).slice(0, 6)]).toEqual([64, 6, 4, 5, 1, 1, 1]);
  });
});

test("a tokenizer.json that makes no sense is MODEL_INVALID", async () => {
  const encoder = createPromptEncoder({
    tokenizer: { model: 5 },
    tokenizerConfig: {},
    config: {},
    fixedLength: null,
  });
  await expect(encoder.encode(["a"])).rejects.toMatchObject({ code: "MODEL_INVALID" });
});
