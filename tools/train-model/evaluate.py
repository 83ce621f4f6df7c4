"""Prints the figures of an exported model: `python evaluate.py --model DIR --work DIR [--scenes DIR ...]`."""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image
from tokenizers import Tokenizer

from judge import precision, recall
from split import EXTRA_STYLE, SCENE_CLASSES, TEST_STYLE, VALIDATION_STYLE


class ShippedModel:
    """The ONNX directory, run on one thread with the preprocessing that its own files name."""

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.vision, self.text = (
            onnxruntime.InferenceSession(folder / "onnx" / f"{name}_model.onnx", options, providers=["CPUExecutionProvider"])
            for name in ("vision", "text")
        )
        settings = json.loads((folder / "preprocessor_config.json").read_text())
        self.size = (settings["size"]["width"], settings["size"]["height"])
        self.resample = settings["resample"]
        self.mean = np.array(settings["image_mean"], np.float32)
        self.std = np.array(settings["image_std"], np.float32)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_padding()

    def pixels(self, image: Image.Image) -> np.ndarray:
        resized = image if image.size == self.size else image.resize(self.size, self.resample)
        return ((np.asarray(resized, np.float32) / 255 - self.mean) / self.std).transpose(2, 0, 1)

    def images(self, images: list[Image.Image]) -> np.ndarray:
        parts = []
        for start in range(0, len(images), 32):
            batch = np.stack([self.pixels(image) for image in images[start : start + 32]])
            parts.append(self.vision.run(None, {"pixel_values": batch})[0])
        return np.concatenate(parts)

    def prompts(self, texts: list[str]) -> np.ndarray:
        encoded = self.tokenizer.encode_batch(texts)
        ids, mask = np.array([e.ids for e in encoded]), np.array([e.attention_mask for e in encoded])
        return self.text.run(None, {"input_ids": ids, "attention_mask": mask})[0]


class Style:
    """One style's plain drawings, embedded: hexcodes, vectors, labels."""

    def __init__(self, model: ShippedModel, work: Path, name: str, concepts: dict[str, dict]) -> None:
        rows = json.loads((work / f"{name}.json").read_text())
        kept = [i for i, r in enumerate(rows) if r["manner"] == "plain" and not r["variant"] and r["hexcode"] in concepts]
        pictures = np.load(work / f"{name}.npy", mmap_mode="r")[kept]
        self.codes = np.array([rows[i]["hexcode"] for i in kept])
        self.seen = np.array([concepts[code]["seen"] for code in self.codes])
        self.labels = [concepts[code]["label"] for code in self.codes]
        flat = (255 - pictures[..., 3:]) + pictures[..., :3]
        self.vectors = model.images([Image.fromarray(picture) for picture in flat])


def style_figures(model: ShippedModel, work: Path) -> list[tuple[str, str, str, str, str]]:
    """Rows of the table: test, concepts, R@1, R@10, gallery."""
    concepts = {c["hexcode"]: c for c in json.loads((work / "concepts.json").read_text())}
    names = {TEST_STYLE: "EmojiOne v1 (never seen)", EXTRA_STYLE: "OpenMoji (never seen)", VALIDATION_STYLE: "Twemoji (validation)"}
    names |= {"fluent-emoji-flat": "Fluent (trained)"}
    noto = Style(model, work, "noto", concepts)
    table = []
    for style, title in names.items():
        one = Style(model, work, style, concepts)
        prompts = model.prompts(one.labels)
        for seen in (True, False):
            kind = "seen" if seen else "unseen"
            asked = (one.seen == seen) & np.isin(one.codes, noto.codes)
            both = np.isin(noto.codes, one.codes)
            galleries = {"common": noto.seen & both, "all": noto.seen} if seen else {"all": np.ones(len(noto.codes), bool)}
            for which, gallery in galleries.items():
                found = recall(one.vectors[asked], one.codes[asked], noto.vectors[gallery], noto.codes[gallery])
                test = f"image to image, {title} to Noto, {which} concepts"
                table.append((test, kind, *(f"{f:.3f}" for f in found), str(gallery.sum())))
            gallery = one.seen if seen else np.ones(len(one.codes), bool)
            asked = one.seen == seen
            found = recall(prompts[asked], one.codes[asked], one.vectors[gallery], one.codes[gallery])
            table.append((f"label to image, {title}", kind, *(f"{f:.3f}" for f in found), str(gallery.sum())))
    return table


def crop(image: Image.Image, box: list[float]) -> Image.Image:
    """The patch of a relative box (left, top, width, height)."""
    left, top, width, height = (v * s for v, s in zip(box, image.size * 2))
    return image.crop((round(left), round(top), round(left + width), round(top + height)))


def scene_figures(model: ShippedModel, folder: Path) -> dict[str, float]:
    """Prompts on scenes and patch to patch."""
    scenes = json.loads((folder / "scenes.json").read_text())
    images = [Image.open(folder / scene["file"]).convert("RGB") for scene in scenes]
    names = list(SCENE_CLASSES)
    has = np.array([[any(o["concept"] == name for o in s["objects"]) for s in scenes] for name in names])
    vectors, prompts = model.images(images), model.prompts([f"a photo of a {name}" for name in names])
    by_class = precision(prompts, vectors, has)
    first = has[np.arange(len(names)), np.argmax(prompts @ vectors.T, 1)]
    bare = precision(model.prompts(names), vectors, has)
    labels = np.array([o["concept"] for s in scenes for o in s["objects"]])
    patches = model.images([crop(image, o["box"]) for image, s in zip(images, scenes) for o in s["objects"]])
    same = precision(patches, patches, labels[:, None] == labels, skip_self=True)
    named = precision(prompts, patches, np.array(names)[:, None] == labels)
    weakest = sorted(zip(by_class, names))[:6]
    return {
        "scenes": len(scenes),
        "fewest scenes of one class": int(has.sum(1).min()),
        "prompt to scene P@10, mean over classes": by_class.mean(),
        "classes with P@10 of at least 0.6": float((by_class >= 0.6).mean()),
        "weakest classes": ", ".join(f"{name} {value:.1f}" for value, name in weakest),
        "first hit right, share of classes": first.mean(),
        "first hit of 'dog' holds a dog": bool(first[names.index("dog")]),
        "bare class name to scene P@10": bare.mean(),
        "patch to patch P@10": same.mean(),
        "prompt to patch P@10": named.mean(),
    }


def speed(model: ShippedModel) -> dict[str, float]:
    """Milliseconds of CPU time an item on one thread."""
    pixels = np.zeros((8, 3, model.size[1], model.size[0]), np.float32)
    ids = np.ones((1, 8), np.int64)
    runs = {
        "vision, batch 1": (model.vision, {"pixel_values": pixels[:1]}, 1),
        "vision, batch 8": (model.vision, {"pixel_values": pixels}, 8),
        "text, batch 1": (model.text, {"input_ids": ids, "attention_mask": ids}, 1),
    }
    out = {}
    for name, (session, feed, items) in runs.items():
        session.run(None, feed)
        started = time.process_time()
        for _ in range(40):
            session.run(None, feed)
        out[name] = (time.process_time() - started) * 1000 / 40 / items
    return out


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--scenes", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    model = ShippedModel(options.model)
    print("| test | concepts | R@1 | R@10 | gallery |\n|---|---|---|---|---|")
    for row in style_figures(model, options.work):
        print("| " + " | ".join(row) + " |")
    for folder in options.scenes:
        print(f"\n| {folder.name} | |\n|---|---|")
        for name, value in scene_figures(model, folder).items():
            print(f"| {name} | {value if isinstance(value, (str, bool, int)) else f'{value:.3f}'} |")
    print("\n| CPU-ms an item, one thread | |\n|---|---|")
    for name, value in speed(model).items():
        print(f"| {name} | {value:.2f} |")
    sizes = {str(f.relative_to(options.model)): f.stat().st_size for f in sorted(options.model.rglob("*")) if f.is_file()}
    print("\n| file | MB |\n|---|---|")
    for name, size in [*sizes.items(), ("all", sum(sizes.values()))]:
        print(f"| {name} | {size / 1e6:.2f} |")


if __name__ == "__main__":
    main()
