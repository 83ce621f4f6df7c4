"""Endless training batches: icons in two styles, patches and whole scenes, with the concepts each picture shows."""

import json
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import IterableDataset

import compose
from split import SCENE_HEXCODES, TRAIN_STYLES

MAX_OBJECTS = 6
# Arrows, keycaps, letters and flags change their meaning when mirrored.
UNFLIPPED_GROUPS = {8, 9}


class Art:
    """All rendered training pictures of the seen concepts."""

    def __init__(self, work: Path, concepts: list[dict]) -> None:
        index = {c["hexcode"]: i for i, c in enumerate(concepts)}
        parts, self.by_concept = [], [{} for _ in concepts]
        total = 0
        for style in TRAIN_STYLES:
            rows = json.loads((work / f"{style}.json").read_text())
            kept = [i for i, row in enumerate(rows) if row["hexcode"] in index]
            parts.append(np.load(work / f"{style}.npy", mmap_mode="r")[kept])
            for at, i in enumerate(kept):
                manners = self.by_concept[index[rows[i]["hexcode"]]].setdefault(style, {"plain": [], "restyled": [], "variant": []})
                kind = "variant" if rows[i]["variant"] else "plain" if rows[i]["manner"] == "plain" else "restyled"
                manners[kind].append(total + at)
            total += len(kept)
        self.levels = compose.pyramid(np.concatenate(parts))
        self.flips = [c["group"] not in UNFLIPPED_GROUPS for c in concepts]
        classes = [[index[c] for c in codes if c in index] for codes in SCENE_HEXCODES.values()]
        self.classes = [codes for codes in classes if codes]
        self.usable = np.array([i for i, styles in enumerate(self.by_concept) if styles])

    def pick(self, rng, concept: int, style: str | None = None, plain: float = 0.55) -> int:
        """One drawing of a concept, in a style where given."""
        styles = self.by_concept[concept]
        manners = styles[style or list(styles)[rng.integers(len(styles))]]
        kind = "plain" if rng.random() < plain else "restyled"
        if manners["variant"] and rng.random() < 0.25:
            kind = "variant"
        return manners[kind][rng.integers(len(manners[kind]))]

    def two_styles(self, rng, concept: int) -> list[str]:
        """Two different styles of a concept where it has them."""
        styles = list(self.by_concept[concept])
        order = rng.permutation(len(styles))
        return [styles[order[0]], styles[order[-1 if len(styles) > 1 else 0]]]

    def scene_concept(self, rng, classes: float) -> int:
        """A concept of a scene class, its first one most often, or any."""
        if rng.random() < classes:
            group = self.classes[rng.integers(len(self.classes))]
            return group[0] if rng.random() < 0.5 else group[rng.integers(len(group))]
        return int(self.usable[rng.integers(len(self.usable))])


def icon(art: Art, rng, concept: int, style: str, side: int) -> np.ndarray:
    """One drawing nearly filling the picture, on white or a made-up background."""
    canvas = compose.background(rng, side, white=0.5)
    size = side * rng.uniform(0.62, 1.08) if rng.random() < 0.85 else side * rng.uniform(0.3, 0.62)
    aspect = rng.uniform(0.87, 1.15)
    angle = rng.normal(0, 0.16)
    slack = max(0.0, side - size) / 2 + 0.04 * side
    centre = (side / 2 + rng.uniform(-slack, slack), side / 2 + rng.uniform(-slack, slack))
    flip = art.flips[concept] and rng.random() < 0.3
    compose.place(canvas, art.levels, art.pick(rng, concept, style), centre, (size * aspect, size / aspect), angle, flip)
    return compose.jitter(canvas, rng, 1.0)


def layout(rng, count: int) -> list[tuple[float, float, float]]:
    """Centres and sides on the 320x240 canvas with little overlap."""
    low, high = (0.26, 0.6) if count <= 3 else (0.2, 0.42)
    placed: list[tuple[float, float, float]] = []
    for _ in range(count * 12):
        if len(placed) == count:
            break
        side = 240 * rng.uniform(low, high)
        x, y = rng.uniform(side * 0.45, 320 - side * 0.45), rng.uniform(side * 0.45, 240 - side * 0.45)
        if all(_overlap((x, y, side), other) < 0.12 for other in placed):
            placed.append((x, y, side))
    return placed


def _overlap(one, other) -> float:
    reach = (one[2] + other[2]) / 2
    width = min(reach - abs(one[0] - other[0]), one[2], other[2])
    height = min(reach - abs(one[1] - other[1]), one[2], other[2])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (one[2] ** 2 + other[2] ** 2 - width * height)


def scene(art: Art, rng, concepts: list[int], side: int, window_of: int | None = None, plain: float = 0.7) -> tuple[np.ndarray, list[int]]:
    """A scene squashed to a square, or the patch around its object `window_of`; returns it with the concepts placed."""
    places = layout(rng, len(concepts))
    left, top, width, height = 0.0, 0.0, *compose.CANVAS
    if window_of is not None:
        x, y, size = places[0]
        width, height = size * rng.uniform(0.85, 1.25, 2)
        left, top = x - width / 2 + rng.normal(0, 0.05) * size, y - height / 2 + rng.normal(0, 0.05) * size
    scale = (side / width, side / height)
    canvas = compose.background(rng, side, white=0.1)
    for concept, (x, y, size) in zip(concepts, places):
        which = art.pick(rng, concept, plain=plain)
        flip = art.flips[concept] and rng.random() < 0.3
        compose.place(canvas, art.levels, which, (x - left, y - top), (size, size), rng.uniform(-0.24, 0.24), flip, scale)
    return compose.jitter(canvas, rng, 0.5), concepts[: len(places)]


class Batches(IterableDataset):
    """Yields (pictures uint8 [n, side, side, 3], shown int64 [n, 6] padded with -1); icons first, then patches, then scenes."""

    def __init__(self, art: Art, side: int, icons: int, patches: int, scenes: int, seed: int) -> None:
        self.art, self.side, self.seed = art, side, seed
        self.icons, self.patches, self.scenes = icons, patches, scenes

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        while True:
            yield self.batch(rng)

    def batch(self, rng):
        """One batch; patches repeat concepts of the icons so that both kinds meet."""
        art, side = self.art, self.side
        pictures, shown = [], []
        chosen = rng.choice(art.usable, self.icons // 2, False)
        for concept in chosen:
            for style in art.two_styles(rng, concept):
                pictures.append(icon(art, rng, concept, style, side))
                shown.append([concept])
        for i in range(self.patches):
            concept = int(chosen[i]) if rng.random() < 0.4 else art.scene_concept(rng, 0.8)
            others = [art.scene_concept(rng, 0.6) for _ in range(rng.integers(0, 5))]
            pictures.append(scene(art, rng, [concept, *others], side, window_of=0)[0])
            shown.append([concept])
        for _ in range(self.scenes):
            concepts = [art.scene_concept(rng, 0.75) for _ in range(rng.integers(1, MAX_OBJECTS + 1))]
            picture, placed = scene(art, rng, concepts, side)
            pictures.append(picture)
            shown.append(placed)
        padded = np.full((len(shown), MAX_OBJECTS), -1, np.int64)
        for row, concepts in enumerate(shown):
            padded[row, : len(concepts)] = concepts
        return torch.from_numpy(np.stack(pictures)), torch.from_numpy(padded)


def pixels(pictures: torch.Tensor) -> torch.Tensor:
    """uint8 [n, side, side, 3] -> float32 [n, 3, side, side] in [-1, 1]."""
    return pictures.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def on_white(pictures: np.ndarray, side: int) -> np.ndarray:
    """Premultiplied RGBA pictures on white, resized; uint8 [n, side, side, 3]."""
    out = np.empty((len(pictures), side, side, 3), np.uint8)
    for i, picture in enumerate(pictures):
        flat = picture[..., :3].astype(np.float32) + 255 - picture[..., 3:].astype(np.float32)
        out[i] = np.clip(cv2.resize(flat, (side, side), interpolation=cv2.INTER_AREA if side <= 96 else cv2.INTER_LINEAR), 0, 255)
    return out
