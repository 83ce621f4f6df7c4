"""Quick figures during training, on the validation style and on scenes of seeds that training never draws."""

import json

import numpy as np
import torch

from data import on_white, pixels, scene
from judge import precision, recall
from split import FIRST_EVALUATION_SEED, SCENE_HEXCODES, VALIDATION_STYLE

SCENES = 200


@torch.inference_mode()
def validate(trainer, side: int) -> dict[str, float]:
    """R@10 of Twemoji against Noto and of labels against Twemoji; P@10 of class prompts on scenes and of patches."""
    vision, text = (tower.eval() for tower in trainer.average)

    def embed(pictures: np.ndarray) -> np.ndarray:
        parts = [vision(pixels(torch.from_numpy(pictures[i : i + 64]))) for i in range(0, len(pictures), 64)]
        return torch.cat(parts).numpy()

    def prompts(texts: list[str]) -> np.ndarray:
        return text(*trainer.tokens(texts)).numpy()

    labels = {c["hexcode"]: c["label"] for c in trainer.concepts}
    codes, vectors = {}, {}
    for style in (VALIDATION_STYLE, "noto"):
        rows = json.loads((trainer.work / f"{style}.json").read_text())
        kept = [i for i, r in enumerate(rows) if r["manner"] == "plain" and not r["variant"] and r["hexcode"] in labels]
        codes[style] = [rows[i]["hexcode"] for i in kept]
        vectors[style] = embed(on_white(np.load(trainer.work / f"{style}.npy", mmap_mode="r")[kept], side))
    drawn = set(codes["noto"])
    both = [i for i, code in enumerate(codes[VALIDATION_STYLE]) if code in drawn]
    image = recall(vectors[VALIDATION_STYLE][both], [codes[VALIDATION_STYLE][i] for i in both], vectors["noto"], codes["noto"])
    named = recall(prompts([labels[c] for c in codes[VALIDATION_STYLE]]), codes[VALIDATION_STYLE], vectors[VALIDATION_STYLE], codes[VALIDATION_STYLE])
    figures = {"image R@1": image[0], "image R@10": image[1], "text R@1": named[0], "text R@10": named[1]}
    figures |= scene_figures(trainer, embed, prompts, side)
    return {name: round(float(value), 3) for name, value in figures.items()}


def scene_figures(trainer, embed, prompts, side: int) -> dict[str, float]:
    """Class prompts on scenes, and patches of the same class, with plain drawings only."""
    rng = np.random.default_rng(FIRST_EVALUATION_SEED)
    art, pictures, contents, patches, classes = trainer.art, [], [], [], []
    for _ in range(SCENES):
        groups = rng.integers(0, len(art.classes), rng.integers(1, 7))
        concepts = [art.classes[g][rng.integers(len(art.classes[g]))] for g in groups]
        picture, placed = scene(art, rng, concepts, side, plain=1.0)
        pictures.append(picture)
        contents.append({int(trainer.class_of[c]) for c in placed})
        for _ in range(2):
            patches.append(scene(art, rng, concepts, side, window_of=0, plain=1.0)[0])
            classes.append(int(groups[0]))
    has = np.array([[g in shown for shown in contents] for g in range(len(art.classes))])
    names = [f"a photo of a {name}" for name in SCENE_HEXCODES]
    by_class = precision(prompts(names), embed(np.stack(pictures)), has)
    classes = np.array(classes)
    patch = embed(np.stack(patches))
    return {"scene P@10": by_class.mean(), "patch P@10": precision(patch, patch, classes[:, None] == classes, skip_self=True).mean()}
