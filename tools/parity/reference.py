"""What Python makes of pictures and prompts: Pillow, transformers, and onnxruntime on the same graphs.

Run: python tools/parity/reference.py MODELS_FOLDER PICTURES_FOLDER TARGET_FOLDER [PROMPTS.json]

For each model folder, writes float32 files to the target: MODEL.vectors with one embedding a picture, MODEL.tensors
with what the graph was fed, MODEL.logits where it has them, MODEL.prompts where it takes prompts; and reference.json
with the pictures in order.
"""

import json
import pathlib
import sys

import numpy as np
import onnxruntime
import PIL
import transformers
from PIL import Image, ImageOps

OUTPUTS = ["image_embeds", "text_embeds", "pooler_output", "last_hidden_state"]


def upright_rgb(path):
    """Upright, opaque, 8-bit RGB: what nearsight does in one step takes these calls of Pillow."""
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode.startswith("I;16"):
        # convert("RGB") would clip everything above 255 to white.
        high = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
        return Image.fromarray(high).convert("RGB")
    if image.has_transparency_data:
        # convert("RGB") would show what is stored under transparent pixels.
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def embedding(result):
    if result.ndim == 4:
        return result.mean((2, 3))
    return result[:, 0] if result.ndim == 3 else result


def embed_prompts(folder, prompts):
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    ids = tokenizer(prompts, padding="max_length", truncation=True, return_tensors="np")["input_ids"]
    session = onnxruntime.InferenceSession(folder / "onnx/text_model.onnx", providers=["CPUExecutionProvider"])
    [result] = session.run(None, {"input_ids": ids.astype(np.int64)})
    return result


def main(models, pictures, target, prompts=None):
    texts = json.loads(pathlib.Path(prompts).read_text()) if prompts else []
    paths = sorted(pathlib.Path(pictures).iterdir())
    images = [upright_rgb(path) for path in paths]
    for folder in sorted(pathlib.Path(models).iterdir()):
        processor = transformers.AutoImageProcessor.from_pretrained(folder, use_fast=False)
        [graph] = [path for name in ["vision_model", "model"] if (path := folder / f"onnx/{name}.onnx").exists()]
        session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        chosen = next(name for name in OUTPUTS if name in names)
        collected = {"vectors": [], "tensors": [], "logits": [], "prompts": []}
        if texts and (folder / "onnx/text_model.onnx").exists():
            collected["prompts"].append(embed_prompts(folder, texts))
        for image in images:
            tensor = processor(image, return_tensors="np", input_data_format="channels_last")["pixel_values"]
            results = dict(zip(names, session.run(None, {"pixel_values": tensor.astype(np.float32)})))
            collected["tensors"].append(tensor)
            collected["vectors"].append(embedding(results[chosen]))
            if "logits" in results:
                collected["logits"].append(results["logits"])
        for name, parts in collected.items():
            if parts:
                (pathlib.Path(target) / f"{folder.name}.{name}").write_bytes(np.concatenate(parts).astype("<f4").tobytes())
    facts = {
        "pictures": [path.name for path in paths],
        "pillow": PIL.__version__,
        "transformers": transformers.__version__,
        "onnxruntime": onnxruntime.__version__,
    }
    (pathlib.Path(target) / "reference.json").write_text(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
