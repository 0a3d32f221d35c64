"""A network of eight filters in an ONNX file, with its card: small enough to fit in milliseconds."""

import json
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from foveal.core.hashing import hash_bytes


def write_network(path, size=32, **card):
    """Write NAME.onnx and NAME.card.json; features have both signs. Returns the path."""
    path = Path(path)
    rng = np.random.default_rng(0)
    kernel = numpy_helper.from_array(rng.normal(size=(8, 3, 8, 8)).astype(np.float32), "kernel")
    graph = helper.make_graph(
        [helper.make_node("Conv", ["picture", "kernel"], ["map"], kernel_shape=[8, 8], strides=[8, 8])],
        "tiny",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, size, size])],
        [helper.make_tensor_value_info("map", TensorProto.FLOAT, [1, 8, size // 8, size // 8])],
        [kernel],
    )
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10).SerializeToString()
    path.write_bytes(data)
    plain = {
        "name": "tiny",
        "source": "made in a test",
        "sha256": hash_bytes(data),
        "license_code": "MIT",
        "license_weights": "MIT",
        "commercial_use": True,
        "input_size": size,
        "mean": [127, 127, 127],
        "std": [128, 128, 128],
    }
    path.with_suffix(".card.json").write_text(json.dumps(plain | card), "utf-8")
    return path
