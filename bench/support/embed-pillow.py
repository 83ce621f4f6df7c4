"""Answers the embedding benchmark with Pillow and onnxruntime: two threads decode ahead, batches of 8.

Run: python embed-pillow.py MODEL_FOLDER PICTURE...
"""

import collections
import concurrent.futures
import json
import pathlib
import resource
import sys
import time

import numpy as np
import onnxruntime
from PIL import Image

BATCH = 8
folder, *pictures = sys.argv[1:]
config = json.loads((pathlib.Path(folder) / "preprocessor_config.json").read_text())
mean = np.array(config["image_mean"], np.float32)[:, None, None]
std = np.array(config["image_std"], np.float32)[:, None, None]
edge = config["size"]["shortest_edge"]
crop = config["crop_size"]["height"]

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1  # the other core decodes
session = onnxruntime.InferenceSession(
    pathlib.Path(folder) / "onnx/model.onnx", options, providers=["CPUExecutionProvider"]
)
output = session.get_outputs()[0].name


def prepare(path):
    # At full size, as the processors of transformers do: shrinking while it decodes would give other pixels.
    image = Image.open(path).convert("RGB")
    width, height = image.size
    scale = edge / min(width, height)
    image = image.resize((round(width * scale), round(height * scale)), config["resample"])
    left, top = (image.width - crop) // 2, (image.height - crop) // 2
    pixels = np.asarray(image.crop((left, top, left + crop, top + crop)), np.float32)
    return (pixels.transpose(2, 0, 1) / 255 - mean) / std


def embed(paths, pool):
    rows = 0
    waiting = collections.deque()
    batches = [paths[first : first + BATCH] for first in range(0, len(paths), BATCH)]
    for batch in batches[:2]:
        waiting.append([pool.submit(prepare, path) for path in batch])
    for number in range(len(batches)):
        tensor = np.stack([future.result() for future in waiting.popleft()])
        if number + 2 < len(batches):
            waiting.append([pool.submit(prepare, path) for path in batches[number + 2]])
        rows += len(session.run([output], {session.get_inputs()[0].name: tensor})[0])
    return rows


with concurrent.futures.ThreadPoolExecutor(2) as pool:
    embed(pictures[:1], pool)
    print(json.dumps({"name": "Pillow + onnxruntime"}), flush=True)
    for _ in sys.stdin:
        start, before = time.perf_counter(), time.process_time()
        rows = embed(pictures, pool)
        answer = {
            "ms": (time.perf_counter() - start) * 1000,
            "rows": rows,
            "cpuMs": (time.process_time() - before) * 1000,
            "peakMb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }
        print(json.dumps(answer), flush=True)
