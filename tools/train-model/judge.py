"""The measures: recall at k of one right answer among many, precision at k of scenes and patches."""

import numpy as np


def recall(queries: np.ndarray, wanted: list, gallery: np.ndarray, answers: list, at: tuple[int, ...] = (1, 10)) -> list[float]:
    """Share of queries with a right answer among the first k."""
    wanted, answers = np.asarray(wanted), np.asarray(answers)
    best = np.argsort(-(queries @ gallery.T), axis=1, kind="stable")[:, : max(at)]
    right = answers[best] == wanted[:, None]
    return [float(right[:, :k].any(1).mean()) for k in at]


def precision(queries: np.ndarray, gallery: np.ndarray, relevant: np.ndarray, k: int = 10, skip_self: bool = False) -> np.ndarray:
    """Per query, the share of the first k answers that are relevant."""
    scores = queries @ gallery.T
    if skip_self:
        np.fill_diagonal(scores, -np.inf)
        relevant = relevant & ~np.eye(len(relevant), dtype=bool)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    hits = np.take_along_axis(relevant, best, 1).sum(1)
    return hits / k
