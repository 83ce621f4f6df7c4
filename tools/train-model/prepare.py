"""Renders all art once and runs MiniLM once, so that training only reads arrays: `python prepare.py --work DIR --modules DIR ...`."""

import argparse
import json
import random
import time
from pathlib import Path

import cv2
import numpy as np
import resvg_py

import minilm
from restyle import MANNERS, restyle
from sources import load_concepts, load_names, load_style
from split import EXTRA_STYLE, TEST_STYLE, TRAIN_STYLES, VALIDATION_STYLE, held_out

SIZE = 96


def render(svg: str, size: int = SIZE) -> np.ndarray:
    """RGBA uint8 [size, size, 4], alpha premultiplied, the drawing centred."""
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=size * 2))
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    if image.ndim != 3 or image.shape[2] != 4:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2BGRA)
    image = cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA).astype(np.float32)
    image[..., :3] *= image[..., 3:] / 255
    height, width = image.shape[:2]
    side = max(height, width)
    square = np.zeros((side, side, 4), np.float32)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = image
    return np.clip(np.rint(cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA)), 0, 255).astype(np.uint8)


def render_style(icons, manners, rng) -> tuple[np.ndarray, list[dict]]:
    """Renders each plain icon in every manner and each variant once; returns pictures and what they show."""
    pictures, rows = [], []
    for icon in icons:
        for manner in manners if not icon.variant else manners[:1]:
            try:
                pictures.append(render(restyle(icon.svg, manner, rng)))
            except ValueError as error:
                print(f"left out {icon.style} {icon.hexcode} {manner}: {error}")
                continue
            rows.append({"hexcode": icon.hexcode, "style": icon.style, "manner": manner, "variant": icon.variant})
    return np.stack(pictures), rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--modules", type=Path, nargs="+", required=True)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    started = time.time()
    rng = random.Random(7)
    concepts = load_concepts(arguments.modules)
    names = load_names(arguments.modules, concepts, ["noto", "fluent-emoji-flat"])
    shown = set()
    for style in [*TRAIN_STYLES, VALIDATION_STYLE, TEST_STYLE, EXTRA_STYLE]:
        training = style in TRAIN_STYLES
        icons = load_style(arguments.modules, style, concepts, names)
        if not training:
            icons = [icon for icon in icons if not icon.variant]
        pictures, rows = render_style(icons, MANNERS if training else MANNERS[:1], rng)
        np.save(arguments.work / f"{style}.npy", pictures)
        (arguments.work / f"{style}.json").write_text(json.dumps(rows))
        if training:
            shown |= {row["hexcode"] for row in rows}
        print(f"{style}: {len(rows)} pictures, {len({r['hexcode'] for r in rows})} concepts, {time.time() - started:.0f} s", flush=True)
    listed = [
        {"hexcode": c.hexcode, "label": c.label, "tags": c.tags, "group": c.group, "seen": not held_out(c.hexcode)}
        for c in sorted(concepts.values(), key=lambda c: c.order)
        if c.hexcode in shown
    ]
    (arguments.work / "concepts.json").write_text(json.dumps(listed))
    minilm.prepare(arguments.work, listed)
    print(f"done in {time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
