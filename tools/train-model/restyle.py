"""Redraws an emoji SVG in other manners (flat, outlined, line art, other palette) so that no one style is learnt by heart."""

import colorsys
import random
import re

HEX = re.compile(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b")
GRADIENT = re.compile(r'<(linear|radial)Gradient[^>]*id="([^"]+)".*?</\1Gradient>', re.S)
STOP_COLOUR = re.compile(r'stop-color="([^"]+)"')
MANNERS = ("plain", "palette", "flat", "outline", "outline-light", "line-art", "grey-line")


def restyle(svg: str, manner: str, rng: random.Random) -> str:
    """The SVG drawn in one of MANNERS; the geometry stays the same."""
    if manner == "plain":
        return svg
    svg = _without_gradients(svg)
    if manner == "palette":
        return _recolour(svg, rng, hue=0.10, light=0.16)
    if manner == "flat":
        return _recolour(svg, rng, hue=0.03, light=0.10)
    if manner == "outline":
        return _stroked(_recolour(svg, rng, hue=0.04, light=0.12), rng.choice(["#000", "#222", "#432"]), rng.uniform(0.012, 0.03))
    if manner == "outline-light":
        return _stroked(_recolour(svg, rng, hue=0.04, light=0.12), "#fff", rng.uniform(0.01, 0.025))
    if manner == "line-art":
        return _stroked(_lightened(svg, rng.uniform(0.55, 1.0)), "#000", rng.uniform(0.015, 0.035))
    return _stroked(HEX.sub("#f4f4f4", svg), "#444", rng.uniform(0.015, 0.03))


def _without_gradients(svg: str) -> str:
    for match in GRADIENT.finditer(svg):
        colours = STOP_COLOUR.findall(match.group(0))
        colour = colours[len(colours) // 2] if colours else "#888"
        svg = svg.replace(f"url(#{match.group(2)})", colour)
    return svg


def _recolour(svg: str, rng: random.Random, hue: float, light: float) -> str:
    shift = rng.uniform(-hue, hue) / 2
    memory: dict[str, str] = {}

    def change(match: re.Match) -> str:
        key = match.group(0).lower()
        if key not in memory:
            h, l, s = colorsys.rgb_to_hls(*_rgb(key))
            h = (h + shift + rng.uniform(-hue, hue) / 2) % 1
            l = min(1, max(0, l + rng.uniform(-light, light)))
            s = min(1, max(0, s * rng.uniform(0.6, 1.35)))
            memory[key] = _hex(colorsys.hls_to_rgb(h, l, s))
        return memory[key]

    return HEX.sub(change, svg)


def _lightened(svg: str, amount: float) -> str:
    def change(match: re.Match) -> str:
        return _hex(tuple(c + (1 - c) * amount for c in _rgb(match.group(0))))

    return HEX.sub(change, svg)


def _stroked(svg: str, colour: str, width: float) -> str:
    box = re.search(r'viewBox="\S+ \S+ (\S+) (\S+)"', svg)
    size = max(float(box.group(1)), float(box.group(2))) * width
    start = svg.index(">") + 1
    group = f'<g stroke="{colour}" stroke-width="{size:.3f}" stroke-linejoin="round">'
    return svg[:start] + group + svg[start:-6] + "</g></svg>"


def _rgb(text: str) -> tuple[float, float, float]:
    digits = text.lstrip("#")
    if len(digits) == 3:
        digits = "".join(d * 2 for d in digits)
    return tuple(int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))


def _hex(rgb) -> str:
    return "#" + "".join(f"{round(255 * c):02x}" for c in rgb)
