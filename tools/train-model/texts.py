"""Turns labels, keywords and scene classes into prompts with token ids, and says which prompt fits which concept."""

import json
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from split import OTHER_NAMES, SCENE_HEXCODES, emoji_hexcode

TEMPLATES = (
    "{}", "a photo of a {}", "a {}", "a picture of a {}", "{} emoji", "an icon of a {}",
    "a drawing of a {}", "the {}", "a photo of {}", "a cartoon {}",
)
JOINTS = (" and a ", ", ", " and ", " with a ", " next to a ")
LABEL_WEIGHT, TAG_WEIGHT = 1.0, 0.2


class Tokens:
    """Texts to padded ids and mask."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(24)
        self.known: dict[str, list[int]] = {}

    def ids(self, tokens: list[str]) -> list[int]:
        """Rows of the table of those tokens that the vocabulary has whole."""
        rows = (self.tokenizer.token_to_id(token) for token in tokens)
        return [row for row in rows if row is not None]

    def __call__(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        rows = []
        for text in texts:
            if text not in self.known:
                self.known[text] = self.tokenizer.encode(text).ids
            rows.append(self.known[text])
        longest = max(map(len, rows))
        ids = np.zeros((len(rows), longest), np.int64)
        mask = np.zeros((len(rows), longest), np.int64)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
            mask[i, : len(row)] = 1
        return torch.from_numpy(ids), torch.from_numpy(mask)


class TextBank:
    """All prompts of training: `fits[text, concept]` is 1 where it names it, -1 where it neither counts for nor against."""

    def __init__(self, concepts: list[dict]) -> None:
        index = {c["hexcode"]: i for i, c in enumerate(concepts)}
        named: dict[str, set[int]] = {}
        tagged: dict[str, set[int]] = {}
        for i, concept in enumerate(concepts):
            named.setdefault(concept["label"].lower(), set()).add(i)
            for tag in concept["tags"]:
                tagged.setdefault(tag.lower(), set()).add(i)
        for name, codes in SCENE_HEXCODES.items():
            named.setdefault(name, set()).update(index[c] for c in codes if c in index)
        for name, character in OTHER_NAMES.items():
            named.setdefault(name, set()).add(index[emoji_hexcode(character)])
        tags = [t for t in tagged if t not in named and len(t) > 1]
        self.texts = [*named, *tags]
        self.labels = len(named)
        self.fits = np.zeros((len(self.texts), len(concepts)), np.int8)
        for row, text in enumerate(self.texts):
            self.fits[row, list(tagged.get(text, []))] = -1 if text in named else 1
            self.fits[row, list(named.get(text, []))] = 1
        self.weights = np.where(np.arange(len(self.texts)) < self.labels, LABEL_WEIGHT, TAG_WEIGHT).astype(np.float32)
        row_of = {text: row for row, text in enumerate(self.texts)}
        self.label_rows = [row_of[c["label"].lower()] for c in concepts]
        self.names_of = [[] for _ in concepts]
        for row in range(self.labels):
            for concept in np.flatnonzero(self.fits[row] == 1):
                self.names_of[concept].append(self.texts[row])

    def draw(self, rng: np.random.Generator, tags: int) -> tuple[np.ndarray, list[str]]:
        """Every label and some keywords, each in a random template; returns row numbers and texts."""
        rows = np.concatenate([np.arange(self.labels), rng.choice(np.arange(self.labels, len(self.texts)), tags, False)])
        kinds = np.where(rng.random(len(rows)) < 0.4, 0, rng.integers(1, len(TEMPLATES), len(rows)))
        return rows, [TEMPLATES[k].format(self.texts[r]) for k, r in zip(kinds, rows)]

    def caption(self, rng: np.random.Generator, shown: list[int]) -> str:
        """A prompt that names several concepts of one scene."""
        names = [self.names_of[c][rng.integers(len(self.names_of[c]))] for c in shown]
        return TEMPLATES[rng.integers(len(TEMPLATES))].format(JOINTS[rng.integers(len(JOINTS))].join(names))


def load_concepts(work: Path) -> list[dict]:
    """The concepts that training may see."""
    return [c for c in json.loads((work / "concepts.json").read_text()) if c["seen"]]
