"""A small builder of ONNX graphs with static shapes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 18
IR_VERSION = 10


class Graph:
    """Collects nodes for one image, uint8 (1, size, size, 3); unused ones are dropped at the end."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self._sides = {"image": size}  # side in pixels of the map with this name
        self._count = 0

    def normalize(self, image: str, mean: Sequence[float], std: Sequence[float]) -> str:
        """Turn uint8 rows, columns, channels into float32 channels, rows, columns, normalized."""
        floats = self._add("Cast", [image], to=TensorProto.FLOAT)
        planes = self._add("Transpose", [floats], perm=[0, 3, 1, 2])
        centered = self._add("Sub", [planes, self._constant(np.reshape(mean, (1, 3, 1, 1)))])
        return self._side(self._add("Div", [centered, self._constant(np.reshape(std, (1, 3, 1, 1)))]), self.size)

    def convolve(
        self, x: str, kernel: npt.NDArray[Any], bias: npt.NDArray[Any], *, stride: int = 1, groups: int = 1
    ) -> str:
        """Convolve with "same" padding fixed for this size; an odd pixel is padded at the end."""
        side, width = self._sides[x], kernel.shape[2]
        out = -(-side // stride)
        padding = max((out - 1) * stride + width - side, 0)
        before, after = padding // 2, padding - padding // 2
        y = self._add(
            "Conv",
            [x, self._constant(kernel), self._constant(bias)],
            kernel_shape=[width, width],
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=groups,
        )
        return self._side(y, out)

    def clip(self, x: str, low: float, high: float) -> str:
        """Limit values to a range."""
        return self._side(self._add("Clip", [x, self._constant(low), self._constant(high)]), self._sides[x])

    def add(self, x: str, y: str) -> str:
        """Add two maps."""
        return self._side(self._add("Add", [x, y]), self._sides[x])

    def pool_roots(self, maps: Sequence[str]) -> str:
        """Mean over positions of the square root of each map, concatenated: float32 (1, d)."""
        axes = self._constant(np.array([2, 3]), np.int64)
        means = [self._add("ReduceMean", [self._add("Sqrt", [x]), axes], keepdims=0) for x in maps]
        return means[0] if len(means) == 1 else self._add("Concat", means, axis=1)

    def classify(self, x: str, weights: npt.NDArray[Any], bias: npt.NDArray[Any]) -> str:
        """Mean over positions, then a linear layer: float32 (1, classes)."""
        mean = self._add("ReduceMean", [x, self._constant(np.array([2, 3]), np.int64)], keepdims=0)
        return self._add("Gemm", [mean, self._constant(weights), self._constant(bias)], transB=1)

    def join_patches(self, maps: Sequence[str]) -> str:
        """Mean of each position with its neighbors, small maps enlarged to the first: (1, rows, columns, d)."""
        side = self._sides[maps[0]]
        smooth = [self._enlarge(self._average(x), side) for x in maps]
        joined = smooth[0] if len(smooth) == 1 else self._add("Concat", smooth, axis=1)
        return self._add("Transpose", [joined], perm=[0, 2, 3, 1])

    def _average(self, x: str) -> str:
        """Mean of 3 x 3 positions; at the border, of those inside."""
        y = self._add("AveragePool", [x], kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=0)
        return self._side(y, self._sides[x])

    def _enlarge(self, x: str, side: int) -> str:
        if self._sides[x] == side:
            return x
        sizes = self._constant(np.array([side, side]), np.int64)
        return self._add("Resize", [x, "", "", sizes], mode="linear", axes=[2, 3])

    def finish(self, outputs: Mapping[str, str]) -> bytes:
        """Serialize what the outputs need; `outputs` maps output names to graph names."""
        tail = [helper.make_node("Identity", [inner], [name]) for name, inner in outputs.items()]
        nodes = self._needed([*self._nodes, *tail], set(outputs))
        used = {name for node in nodes for name in node.input}
        graph = helper.make_graph(
            nodes,
            "backbone",
            [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, self.size, self.size, 3])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            [tensor for name, tensor in self._constants.items() if name in used],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        data: bytes = model.SerializeToString(deterministic=True)
        return data

    @staticmethod
    def _needed(nodes: list[onnx.NodeProto], wanted: set[str]) -> list[onnx.NodeProto]:
        kept = []
        for node in reversed(nodes):
            if wanted & set(node.output):
                kept.append(node)
                wanted |= set(node.input)
        return kept[::-1]

    def _add(self, operation: str, inputs: list[str], **attributes: Any) -> str:
        self._count += 1
        name = f"n{self._count}"
        self._nodes.append(helper.make_node(operation, inputs, [name], **attributes))
        return name

    def _constant(self, value: Any, dtype: Any = np.float32) -> str:
        name = f"c{len(self._constants)}"
        self._constants[name] = numpy_helper.from_array(np.asarray(value, dtype, order="C"), name)
        return name

    def _side(self, name: str, side: int) -> str:
        self._sides[name] = side
        return name
