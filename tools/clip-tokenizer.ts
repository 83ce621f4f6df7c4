/** A small tokenizer in the form CLIP's has: byte-level BPE, lower-casing, `</w>` at word ends, start and end tokens. */

const START = "<|startoftext|>";
const END = "<|endoftext|>";

const WORDS =
  "a an the of in on with and photo picture drawing red green blue yellow black white dog cat bird horse fish car " +
  "bus train boat plane house tree flower sun moon star heart face hand book chair table ball apple cake";

/** `tokenizer.json` and `tokenizer_config.json` for a vocabulary of `size` ids, of which the last two start and end. */
export function clipTokenizer(size: number, maxLength: number): { tokenizer: object; config: object } {
  const { vocabulary, merges } = learn(size - 2);
  vocabulary[START] = size - 2;
  vocabulary[END] = size - 1;
  const special = (id: number, content: string) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: content === START,
    special: true,
  });
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [special(size - 2, START), special(size - 1, END)],
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "NFC" },
        { type: "Replace", pattern: { Regex: "\\s+" }, content: " " },
        { type: "Lowercase" },
      ],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        {
          type: "Split",
          pattern: { Regex: "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+" },
          behavior: "Removed",
          invert: true,
        },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true },
      ],
    },
    post_processor: {
      type: "RobertaProcessing",
      sep: [END, size - 1],
      cls: [START, size - 2],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: END,
      continuing_subword_prefix: "",
      end_of_word_suffix: "</w>",
      fuse_unk: false,
      vocab: vocabulary,
      merges: merges.map((pair) => pair.join(" ")),
    },
  };
  const config = {
    tokenizer_class: "CLIPTokenizer",
    bos_token: START,
    eos_token: END,
    pad_token: END,
    unk_token: END,
    do_lower_case: true,
    model_max_length: maxLength,
  };
  return { tokenizer, config };
}

/** All single bytes, then the pieces each word is built from, left to right, as far as there are ids. */
function learn(size: number): { vocabulary: Record<string, number>; merges: [string, string][] } {
  const vocabulary: Record<string, number> = {};
  const merges: [string, string][] = [];
  const bytes = byteCharacters();
  for (const suffix of ["", "</w>"])
    for (const byte of bytes) vocabulary[byte + suffix] = Object.keys(vocabulary).length;
  let next = bytes.length * 2;
  for (const word of WORDS.split(" ")) {
    let built = word.slice(0, 1);
    for (let i = 1; i < word.length && next < size; i++) {
      const piece = (word[i] as string) + (i === word.length - 1 ? "</w>" : "");
      if (vocabulary[built + piece] === undefined) {
        merges.push([built, piece]);
        vocabulary[built + piece] = next++;
      }
      built += piece;
    }
  }
  return { vocabulary, merges };
}

/** The 256 characters byte-level BPE stands bytes for: printable ones are themselves, others come after U+0100. */
function byteCharacters(): string[] {
  const printable = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte < 256 && byte !== 173);
  let spare = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : spare++));
}
