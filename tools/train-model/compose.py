"""Draws training pictures from rendered art: single icons, scenes of several objects, and patches cut from scenes."""

import math

import cv2
import numpy as np

CANVAS = (320.0, 240.0)


def pyramid(pictures: np.ndarray) -> list[np.ndarray]:
    """The pictures at full, half and quarter size, so that small objects are not aliased."""
    levels = [pictures]
    for _ in range(2):
        last = levels[-1]
        n, s = last.shape[0], last.shape[1] // 2
        out = np.empty((n, s, s, 4), np.uint8)
        for start in range(0, n, 1024):
            part = last[start : start + 1024].astype(np.uint16)
            out[start : start + 1024] = (part.reshape(-1, s, 2, s, 2, 4).sum((2, 4)) + 2) >> 2
        levels.append(out)
    return levels


def place(canvas: np.ndarray, levels: list[np.ndarray], which: int, centre, size, angle: float, flip: bool, scale=(1.0, 1.0)) -> None:
    """Draws one premultiplied picture on the float canvas; `size` is its width and height before `scale` maps to canvas pixels."""
    longest = max(size[0] * scale[0], size[1] * scale[1])
    level = 0 if longest > 48 else 1 if longest > 24 else 2
    source = levels[level][which]
    side = source.shape[0]
    c, s = math.cos(angle), math.sin(angle)
    kx, ky = size[0] / side * (-1 if flip else 1), size[1] / side
    a, b, d, e = c * kx * scale[0], -s * ky * scale[0], s * kx * scale[1], c * ky * scale[1]
    half = side / 2 - 0.5
    x, y = centre[0] * scale[0] - 0.5, centre[1] * scale[1] - 0.5
    reach_x, reach_y = (abs(a) + abs(b)) * side / 2, (abs(d) + abs(e)) * side / 2
    left, right = max(0, int(x - reach_x)), min(canvas.shape[1], int(x + reach_x) + 2)
    top, bottom = max(0, int(y - reach_y)), min(canvas.shape[0], int(y + reach_y) + 2)
    if right <= left or bottom <= top:
        return
    matrix = np.array([[a, b, x - left - half * (a + b)], [d, e, y - top - half * (d + e)]])
    drawn = cv2.warpAffine(source, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR).astype(np.float32)
    region = canvas[top:bottom, left:right]
    region *= 1 - drawn[..., 3:] / 255
    region += drawn[..., :3]


def background(rng: np.random.Generator, side: int, white: float) -> np.ndarray:
    """White, a plain colour, a gradient, sky over ground, soft blobs or stripes; float32 [side, side, 3]."""
    canvas = np.empty((side, side, 3), np.float32)
    if rng.random() < white:
        canvas[:] = 255
        return canvas
    light = rng.random() < 0.7
    colours = rng.uniform(150 if light else 0, 255, (4, 3)).astype(np.float32)
    kind = rng.random()
    if kind < 0.3:
        canvas[:] = colours[0]
    elif kind < 0.55:
        angle = rng.uniform(0, 2 * math.pi)
        ramp = np.linspace(-0.5, 0.5, side, dtype=np.float32)
        t = np.clip(0.5 + ramp[None] * math.cos(angle) + ramp[:, None] * math.sin(angle), 0, 1)[..., None]
        canvas[:] = colours[0] * (1 - t) + colours[1] * t
    elif kind < 0.75:
        canvas[:] = colours[0]
        canvas[int(side * rng.uniform(0.3, 0.8)) :] = colours[1]
    elif kind < 0.95:
        grid = rng.integers(3, 6)
        small = colours[rng.integers(0, 3, (grid, grid))]
        canvas[:] = cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)
    else:
        canvas[:] = colours[0]
        canvas[:, (np.arange(side) * rng.uniform(0.05, 0.3)).astype(int) % 2 == 0] = colours[1]
    return canvas


def jitter(image: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Colour, contrast, blur, noise, posterising, grey and erasing; float32 in 0..255, stronger for icons than for scenes."""
    if rng.random() < 0.75:
        image = image @ _colour_matrix(rng, strength)
        image = (image - 128) * rng.uniform(1 - 0.35 * strength, 1 + 0.35 * strength) + 128 + rng.uniform(-40, 40) * strength
    if rng.random() < 0.10 * strength:
        image = np.repeat(image.mean(2, keepdims=True), 3, 2)
    if rng.random() < 0.30 * strength:
        image = _wave(image, rng)
    if rng.random() < 0.25:
        side = image.shape[0]
        small = int(side * rng.uniform(0.35, 0.8))
        image = cv2.resize(cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA), (side, side), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.08 * strength:
        step = rng.uniform(24, 80)
        image = np.rint(image / step) * step
    if rng.random() < 0.12 * strength:
        image = _erased(image, rng)
    if rng.random() < 0.2:
        image = image + rng.normal(0, rng.uniform(1, 8), image.shape).astype(np.float32)
    return np.clip(image, 0, 255).astype(np.uint8)


def _colour_matrix(rng, strength):
    angle = rng.normal(0, 0.35) * strength
    saturation = rng.uniform(1 - 0.6 * strength, 1 + 0.4 * strength)
    to_yiq = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    c, s = math.cos(angle) * saturation, math.sin(angle) * saturation
    turned = np.linalg.inv(to_yiq) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ to_yiq
    return turned.T.astype(np.float32)


def _wave(image, rng):
    side = image.shape[0]
    grid = rng.integers(3, 6)
    moves = cv2.resize(rng.normal(0, 0.025 * side, (grid, grid, 2)).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    return cv2.remap(image, x + moves[..., 0], y + moves[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _erased(image, rng):
    side = image.shape[0]
    height, width = (rng.uniform(0.1, 0.35, 2) * side).astype(int)
    top, left = rng.integers(0, side - height), rng.integers(0, side - width)
    image = image.copy()
    image[top : top + height, left : left + width] = rng.uniform(0, 255, 3)
    return image
