/** Turns prompts into token ids, padded and cut as the model's files say. */

import { invalid, type JsonObject } from "./model-files.ts";

/** What is used of the tokenizers package, whose own types do not resolve under Node's module rules. */
interface Tokenizer {
  encode(text: string, options?: { add_special_tokens?: boolean }): { ids: number[] };
  token_to_id(content: string): number | undefined;
}

/** Token ids of several prompts, row after row, `length` each. */
export interface EncodedPrompts {
  readonly ids: BigInt64Array;
  /** 1 for tokens, 0 for padding. */
  readonly mask: BigInt64Array;
  readonly rows: number;
  readonly length: number;
}

export interface PromptEncoder {
  encode(prompts: readonly string[]): Promise<EncodedPrompts>;
}

/** What decides on padding and cutting. */
export interface EncoderOptions {
  readonly tokenizer: JsonObject;
  readonly tokenizerConfig: JsonObject;
  readonly config: JsonObject;
  /** Tokens the graph takes, where it is fixed. */
  readonly fixedLength: number | null;
}

/** Lengths the Python configuration classes have where config.json leaves them out. */
const DEFAULT_LENGTHS: Readonly<Record<string, number>> = { clip: 77, siglip: 64, siglip2: 64 };

/** `model_max_length` is a huge number where a tokenizer has no limit. */
const UNLIMITED = 1_000_000;

/** An encoder that loads its tokenizer at the first prompt. */
export function createPromptEncoder(options: EncoderOptions): PromptEncoder {
  const { tokenizer: json, tokenizerConfig, config, fixedLength } = options;
  const family = String(config.model_type ?? "").replaceAll("-", "_");
  const maxLength = maximumLength(options, family);
  // Both were trained on prompts padded to the full length; SigLIP even reads the last position.
  const fillUp = fixedLength !== null || /^(clip|siglip)/.test(family) || isFixedPadding(json);
  // SigLIP's Python tokenizers lower-case before tokenizer.json is used; elsewhere its own normalizer does.
  const lowerCase = family.startsWith("siglip");
  let loading: Promise<Tokenizer> | undefined;
  return {
    async encode(prompts) {
      loading ??= loadTokenizer(json, tokenizerConfig);
      const tokenizer = await loading;
      const rows = prompts.map((prompt) =>
        encodeOne(tokenizer, lowerCase ? prompt.toLowerCase() : prompt, maxLength),
      );
      const longest = Math.max(1, ...rows.map((row) => row.length));
      return padRows(rows, fillUp && maxLength !== null ? maxLength : longest, paddingId(tokenizer, options));
    },
  };
}

async function loadTokenizer(json: JsonObject, config: JsonObject): Promise<Tokenizer> {
  const { Tokenizer } = await import("@huggingface/tokenizers");
  try {
    return new Tokenizer(json, config) as Tokenizer;
  } catch (error) {
    throw invalid(
      `tokenizer.json could not be used: ${error instanceof Error ? error.message : error}`,
      undefined,
      error,
    );
  }
}

/** The tokens of a prompt; MODEL_INVALID where the files do not lead to numbers that fit. */
function encodeOne(tokenizer: Tokenizer, prompt: string, maxLength: number | null): number[] {
  let ids: number[];
  try {
    ids = cutTokens(tokenizer, prompt, maxLength);
  } catch (error) {
    throw invalid(
      `tokenizer.json could not be used: ${error instanceof Error ? error.message : error}`,
      undefined,
      error,
    );
  }
  if (ids.every(Number.isSafeInteger) && ids.length <= (maxLength ?? ids.length)) return ids;
  throw invalid(
    `Expected at most ${maxLength} whole numbers from tokenizer.json but found ${ids.length} others`,
  );
}

/** Cuts the middle, never the special tokens at both ends. */
function cutTokens(tokenizer: Tokenizer, prompt: string, maxLength: number | null): number[] {
  const { ids } = tokenizer.encode(prompt);
  if (maxLength === null || ids.length <= maxLength) return ids;
  const content = tokenizer.encode(prompt, { add_special_tokens: false }).ids;
  const start = ids.findIndex((_, at) => content.every((id, i) => ids[at + i] === id));
  const head = ids.slice(0, Math.max(0, start));
  const tail = ids.slice(head.length + content.length);
  return [...head, ...content.slice(0, maxLength - head.length - tail.length), ...tail];
}

function padRows(rows: readonly number[][], length: number, padding: number): EncodedPrompts {
  const ids = new BigInt64Array(rows.length * length).fill(BigInt(padding));
  const mask = new BigInt64Array(rows.length * length);
  rows.forEach((row, i) => {
    row.forEach((id, j) => {
      ids[i * length + j] = BigInt(id);
      mask[i * length + j] = 1n;
    });
  });
  return { ids, mask, rows: rows.length, length };
}

function maximumLength(
  { tokenizer, tokenizerConfig, config, fixedLength }: EncoderOptions,
  family: string,
): number | null {
  if (fixedLength !== null) return fixedLength;
  const text = (config.text_config ?? {}) as JsonObject;
  const limits = [
    (tokenizer.truncation as JsonObject | null | undefined)?.max_length,
    tokenizerConfig.model_max_length,
    text.max_position_embeddings ?? config.max_position_embeddings ?? DEFAULT_LENGTHS[family],
  ].filter(
    (limit): limit is number => Number.isInteger(limit) && Number(limit) > 0 && Number(limit) < UNLIMITED,
  );
  return limits.length === 0 ? null : Math.min(...limits);
}

function isFixedPadding(tokenizer: JsonObject): boolean {
  const strategy = (tokenizer.padding as JsonObject | null | undefined)?.strategy;
  return typeof strategy === "object" && strategy !== null && "Fixed" in strategy;
}

function paddingId(
  tokenizer: Tokenizer,
  { tokenizer: json, tokenizerConfig, config }: EncoderOptions,
): number {
  const named = tokenizerConfig.pad_token as string | { content?: string } | null | undefined;
  const content = typeof named === "object" ? named?.content : named;
  const id = content === undefined ? undefined : tokenizer.token_to_id(content);
  const given = (json.padding as JsonObject | null | undefined)?.pad_id ?? config.pad_token_id;
  return id ?? (typeof given === "number" && Number.isSafeInteger(given) ? given : 0);
}
