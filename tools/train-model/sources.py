"""Reads the emoji art and names: which icon of which style shows which concept."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from split import plain_hexcode

SKIN_TONE = re.compile(r"-(light|medium-light|medium|medium-dark|dark)-skin-tone")


@dataclass
class Concept:
    """One base emoji: its code points, its English label and keywords, its group."""

    hexcode: str
    label: str
    tags: list[str]
    group: int
    order: int
    skins: list[str] = field(default_factory=list)


@dataclass
class Icon:
    """One drawing of a concept; `variant` marks skin tones, which only add training pictures."""

    hexcode: str
    style: str
    svg: str
    variant: bool


def load_concepts(roots: list[Path]) -> dict[str, Concept]:
    """Base emoji of emojibase-data that belong to a group (no components, no regional indicators)."""
    concepts = {}
    for entry in _json(roots, "emojibase-data/en/data.json"):
        if "group" not in entry or entry["group"] == 2:
            continue
        code = plain_hexcode(entry["hexcode"])
        skins = [plain_hexcode(skin["hexcode"]) for skin in entry.get("skins", [])]
        label = entry["label"].replace("flag: ", "flag of ").replace("’", "'").strip()
        concepts[code] = Concept(code, label, entry.get("tags", []), entry["group"], entry.get("order", 0), skins)
    return concepts


def load_style(roots: list[Path], style: str, concepts: dict[str, Concept], names: dict[str, str]) -> list[Icon]:
    """Every icon of a style that shows a known concept, the plain drawing of each concept first."""
    data = _json(roots, f"@iconify-json/{style}/icons.json")
    chars = _json(roots, f"@iconify-json/{style}/chars.json")
    base_of = {skin: c.hexcode for c in concepts.values() for skin in c.skins}
    by_name = {name: plain_hexcode(code) for code, name in chars.items()}
    chosen: dict[str, list[Icon]] = {}
    for name, icon in data["icons"].items():
        code, variant = _concept_of(name, by_name, names, concepts, base_of)
        if code is None or icon.get("hidden"):
            continue
        width = icon.get("width", data.get("width", 16))
        height = icon.get("height", data.get("height", 16))
        left, top = icon.get("left", 0), icon.get("top", 0)
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
            f'viewBox="{left} {top} {width} {height}" width="{width}" height="{height}">{icon["body"]}</svg>'
        )
        icons = chosen.setdefault(code, [])
        if variant or not any(not other.variant for other in icons):
            icons.append(Icon(code, style, svg, variant))
    icons = [icon for group in chosen.values() for icon in group]
    with_plain = {icon.hexcode for icon in icons if not icon.variant}
    return sorted((i for i in icons if i.hexcode in with_plain), key=lambda i: (i.variant, i.hexcode))


def load_names(roots: list[Path], concepts: dict[str, Concept], named_styles: list[str]) -> dict[str, str]:
    """Squashed English name -> hexcode, for the styles whose package gives no code points."""
    names: dict[str, str] = {}

    def add(name: str, code: str) -> None:
        names.setdefault(_squash(name), code)

    for concept in concepts.values():
        add(concept.label, concept.hexcode)
        if concept.label.startswith("flag of "):
            add("flag for " + concept.label[8:], concept.hexcode)
            add("flag for flag " + concept.label[8:], concept.hexcode)
    for style in named_styles:
        for code, name in _json(roots, f"@iconify-json/{style}/chars.json").items():
            if plain_hexcode(code) in concepts:
                add(name, plain_hexcode(code))
    for code, name in _json(roots, "emojibase-data/meta/unicode-names.json").items():
        if plain_hexcode(code) in concepts:
            add(name, plain_hexcode(code))
            add(re.sub(r" (SIGN|SYMBOL)$", "", name), plain_hexcode(code))
    for code, short in _json(roots, "emojibase-data/en/shortcodes/joypixels.json").items():
        if plain_hexcode(code) in concepts:
            for name in [short] if isinstance(short, str) else short:
                add(name, plain_hexcode(code))
    return names


def _concept_of(name, by_name, names, concepts, base_of):
    code = by_name.get(name)
    if code is not None:
        return (code, False) if code in concepts else (base_of.get(code), True)
    if by_name:
        return None, False
    plain = SKIN_TONE.sub("", name)
    return names.get(_squash(plain)), plain != name


def _squash(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("&", "and").replace("’", ""))


def _json(roots: list[Path], path: str):
    for root in roots:
        if (root / path).exists():
            return json.loads((root / path).read_text(encoding="utf8"))
    raise FileNotFoundError(f"{path} is in none of {[str(root) for root in roots]}; see README.md, 'Install'")
