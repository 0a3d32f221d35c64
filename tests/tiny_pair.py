"""A text-image pair small enough for a test: pictures and words about colors, mapped to the same three numbers."""

import hashlib
import json
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from foveal.core.hashing import hash_bytes

WORDS = {"[UNK]": 0, "red": 1, "green": 2, "blue": 3, "a": 4, "thing": 5, "that": 6, "is": 7}
COLORS = np.array([[0, 0, 0], [1, -0.5, -0.5], [-0.5, 1, -0.5], [-0.5, -0.5, 1]] + [[0.01, 0.01, 0.01]] * 4, np.float32)


def _model(nodes, inputs, outputs, weights) -> bytes:
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10).SerializeToString()


def image_graph(size=32) -> bytes:
    """The mean color of a picture, each channel against the mean of the others."""
    mix = numpy_helper.from_array(np.array([[1, -0.5, -0.5], [-0.5, 1, -0.5], [-0.5, -0.5, 1]], np.float32), "mix")
    axes = numpy_helper.from_array(np.array([2, 3], np.int64), "axes")
    nodes = [
        helper.make_node("ReduceMean", ["pixel_values", "axes"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "mix"], ["image_embeds"]),
    ]
    taken = helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, [1, 3, size, size])
    given = helper.make_tensor_value_info("image_embeds", TensorProto.FLOAT, [1, 3])
    return _model(nodes, [taken], [given], [mix, axes])


def text_graph() -> bytes:
    """The sum of the words' colors."""
    table = numpy_helper.from_array(COLORS, "table")
    axes = numpy_helper.from_array(np.array([1], np.int64), "axes")
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        helper.make_node("ReduceSum", ["words", "axes"], ["text_embeds"], keepdims=0),
    ]
    taken = helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "length"])
    given = helper.make_tensor_value_info("text_embeds", TensorProto.FLOAT, [1, 3])
    return _model(nodes, [taken], [given], [table, axes])


def tokenizer() -> bytes:
    plain = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": WORDS, "unk_token": "[UNK]"},
    }
    return json.dumps(plain).encode()


def write_pair(folder, size=32) -> Path:
    """Write the three files and their card; returns the card's path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    parts = {"image": ("image.onnx", image_graph(size)), "text": ("text.onnx", text_graph()), "tokenizer": ("tokenizer.json", tokenizer())}  # fmt: skip
    for name, data in parts.values():
        (folder / name).write_bytes(data)
    hashes = {part: hash_bytes(data) for part, (_, data) in parts.items()}
    card = {
        "name": "tiny-pair",
        "source": "made in a test",
        "sha256": hashlib.sha256("".join(hashes.values()).encode()).hexdigest(),
        "license_code": "MIT",
        "license_weights": "MIT",
        "commercial_use": True,
        "input_size": size,
        "mean": [127, 127, 127],
        "std": [128, 128, 128],
        "files": {part: {"file": name, "sha256": hashes[part]} for part, (name, _) in parts.items()},
    }
    path = folder / "tiny.pair.json"
    path.write_text(json.dumps(card), "utf-8")
    return path
