"""Writes test/fixtures/media/pillow.json: what Pillow and the Python CLIP processor make of small pictures.

Run: pip install "pillow<13" numpy "transformers<5", then python tools/pillow-golden.py

Pillow 13 sometimes resizes down before across, which rounds a few pixels otherwise; earlier releases never do.
"""

import base64
import io
import json
import pathlib

import numpy as np
import PIL
import transformers
from PIL import Image, ImageOps

FILTERS = {
    "nearest": Image.NEAREST,
    "lanczos": Image.LANCZOS,
    "bilinear": Image.BILINEAR,
    "bicubic": Image.BICUBIC,
    "box": Image.BOX,
    "hamming": Image.HAMMING,
}
SIZES = [((37, 23), (16, 9)), ((16, 12), (41, 30)), ((30, 20), (30, 11)), ((25, 40), (12, 40)), ((64, 48), (7, 5)), ((20, 50), (24, 24))]


def picture(width, height, seed):
    """Noise over a gradient; test/support/pictures.ts makes the same one."""
    data = np.zeros((height, width, 3), np.uint8)
    state = seed
    for y in range(height):
        for x in range(width):
            for c in range(3):
                state = (state * 1664525 + 1013904223) % 2**32
                data[y, x, c] = ((state >> 24) + x * 5 + y * 3 + c * 40) % 256
    return Image.fromarray(data)


def encode(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def resized():
    for (source, target) in SIZES:
        for name, method in FILTERS.items():
            image = picture(*source, 7).resize(target, method)
            yield {"source": source, "target": target, "filter": name, "pixels": encode(np.asarray(image))}


def smooth(width, height):
    y, x = np.mgrid[0:height, 0:width]
    rgb = [128 + 100 * np.sin(x / 7 + c) * np.cos(y / 5 - c) for c in range(3)]
    return Image.fromarray(np.stack(rgb, -1).astype(np.uint8))


def encoded(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def files():
    photo = smooth(48, 32)
    turned = Image.Exif()
    turned[0x0112] = 6
    grey = Image.fromarray((np.arange(20 * 16, dtype=np.uint32) * 200 % 65536).astype(np.uint16).reshape(16, 20))
    cases = {
        "jpeg 4:2:0": encoded(photo, "JPEG", quality=85),
        "jpeg 4:4:4": encoded(photo, "JPEG", quality=95, subsampling=0),
        "jpeg progressive": encoded(photo, "JPEG", progressive=True),
        "jpeg turned": encoded(photo, "JPEG", exif=turned),
        "jpeg grey": encoded(photo.convert("L"), "JPEG"),
        "jpeg cmyk": encoded(photo.convert("CMYK"), "JPEG"),
        "png": encoded(photo, "PNG"),
        "png palette": encoded(photo.quantize(16), "PNG"),
        "png one bit": encoded(photo.convert("1"), "PNG"),
        "webp": encoded(photo, "WEBP", lossless=True),
        "gif": encoded(photo.quantize(32), "GIF"),
        "tiff": encoded(photo, "TIFF"),
    }
    for name, data in cases.items():
        upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
        pixels = np.asarray(upright)
        yield {"name": name, "file": base64.b64encode(data).decode(), "size": upright.size, "pixels": encode(pixels)}
    high = (np.asarray(grey) >> 8).astype(np.uint8)
    yield {
        "name": "png 16 bit grey",
        "file": base64.b64encode(encoded(grey, "PNG")).decode(),
        "size": grey.size,
        "pixels": encode(np.stack([high] * 3, -1)),
    }


def processed():
    processors = {
        "CLIPImageProcessor": {"size": {"shortest_edge": 32}, "crop_size": {"height": 24, "width": 24}},
        "ViTImageProcessor": {"size": {"height": 20, "width": 24}},
        "SiglipImageProcessor": {"size": {"height": 24, "width": 24}},
        "BitImageProcessor": {"size": {"shortest_edge": 28}, "crop_size": 20},
        "ConvNextImageProcessor": {"size": {"shortest_edge": 24}, "crop_pct": 0.875},
        "EfficientNetImageProcessor": {"size": {"height": 24, "width": 24}},
    }
    for kind, options in processors.items():
        processor = getattr(transformers, kind)(**options)
        for size in [(61, 43), (20, 50)]:
            values = processor(picture(*size, 3), return_tensors="np")["pixel_values"][0]
            yield {
                "config": json.loads(processor.to_json_string()),
                "source": size,
                "shape": list(values.shape),
                "values": encode(values.astype("<f4")),
            }
    small = transformers.CLIPImageProcessor(do_resize=False, crop_size=16)
    values = small(picture(11, 21, 3), return_tensors="np")["pixel_values"][0]
    yield {"config": json.loads(small.to_json_string()), "source": (11, 21), "shape": list(values.shape), "values": encode(values.astype("<f4"))}


if __name__ == "__main__":
    target = pathlib.Path(__file__).parent.parent / "test/fixtures/media/pillow.json"
    made = {
        "pillow": PIL.__version__,
        "transformers": transformers.__version__,
        "resized": list(resized()),
        "files": list(files()),
        "processed": list(processed()),
    }
    target.write_text(json.dumps(made, indent=1) + "\n")
