"""The ONNX graph computes what PyTorch computes with the same weights."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed; make test-torch runs this")

from benchmarks.torch_efficientnet_lite import load_network

from foveal.backbones.efficientnet_lite import VARIANTS, build_graph, load_weights
from foveal.runtime.sessions import open_session

LITE0 = VARIANTS["efficientnet-lite0"]
NAMES = ("stage5", "stage7", "head", "logits")


def test_parity():
    import torch

    session = open_session(build_graph(load_weights(LITE0), LITE0, 224, NAMES, pooled=False))
    network = load_network()
    smooth = np.random.default_rng(0).integers(0, 255, (6, 7, 7, 3), np.uint8).repeat(32, axis=1).repeat(32, axis=2)
    for pixels in smooth:
        ours = session.run(NAMES, {"image": pixels[None]})
        with torch.inference_mode():
            theirs = network(torch.from_numpy((pixels.transpose(2, 0, 1)[None].astype(np.float32) - 127) / 128))
        for name, mine in zip(NAMES, ours, strict=True):
            a, b = mine.ravel().astype(float), theirs[name].numpy().ravel().astype(float)
            assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) >= 0.99999, name
