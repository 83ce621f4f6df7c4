"""A thin builder of ONNX graphs whose big weights are stored as int8 with one scale a row, and unpacked when a session loads."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 20
# Highest IR version that onnxruntime 1.17 and later read.
IR_VERSION = 9


class Graph:
    """Collects nodes and weights; every method returns the name of its output."""

    def __init__(self, name: str) -> None:
        self.name, self.nodes, self.initializers, self.count = name, [], [], 0

    def op(self, kind: str, *inputs: str, **attributes) -> str:
        self.count += 1
        output = f"{kind.lower()}_{self.count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def constant(self, array: np.ndarray) -> str:
        self.count += 1
        name = f"weight_{self.count}"
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def packed(self, array: np.ndarray) -> str:
        """Weights as int8 times a float32 scale per first index; onnxruntime folds this into float32 once, at load."""
        small, scale = quantise(array)
        whole = self.op("Cast", self.constant(small), to=TensorProto.FLOAT)
        return self.op("Mul", whole, self.constant(scale))

    def linear(self, x: str, weight: np.ndarray, bias: np.ndarray | None = None) -> str:
        """x @ weight.T + bias."""
        inputs = [x, self.packed(weight)] + ([self.constant(bias.astype(np.float32))] if bias is not None else [])
        return self.op("Gemm", *inputs, transB=1)

    def unit(self, x: str) -> str:
        """Divides each row by its length."""
        length = self.op("ReduceL2", x, self.ints(-1), keepdims=1)
        return self.op("Div", x, self.op("Max", length, self.constant(np.array(1e-12, np.float32))))

    def model(self, inputs: list, output: str, output_name: str, width: int) -> onnx.ModelProto:
        self.nodes.append(helper.make_node("Identity", [output], [output_name], name="embedding"))
        out = helper.make_tensor_value_info(output_name, TensorProto.FLOAT, ["batch", width])
        graph = helper.make_graph(self.nodes, self.name, inputs, [out], self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="nearsight")
        model.ir_version = IR_VERSION
        onnx.checker.check_model(model, full_check=True)
        return model


def quantise(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 values and the float32 scale of each first index, symmetric."""
    axes = tuple(range(1, array.ndim))
    scale = np.maximum(np.abs(array).max(axis=axes, keepdims=True), 1e-8) / 127
    return np.rint(array / scale).astype(np.int8), scale.astype(np.float32)
