"""The ONNX Runtime session: named outputs in order, the same from every thread, refusals that say why."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
from tests.tiny_network import write_network

from foveal.core.errors import ModelError
from foveal.runtime.onnx_runtime import OnnxRuntimeSession

PICTURES = [np.random.default_rng(s).normal(size=(1, 3, 32, 32)).astype(np.float32) for s in range(8)]


@pytest.fixture
def network(tmp_path):
    return write_network(tmp_path / "net.onnx").read_bytes()


def convolve(network, picture):
    kernel = onnx.numpy_helper.to_array(onnx.load_model_from_string(network).graph.initializer[0])
    blocks = picture.reshape(3, 4, 8, 4, 8)
    return np.einsum("kcij,cyixj->kyx", kernel, blocks)


def test_it_computes_what_the_graph_says(network):
    (found,) = OnnxRuntimeSession(network).run(("map",), {"picture": PICTURES[0]})
    np.testing.assert_allclose(found[0], convolve(network, PICTURES[0]), atol=1e-4)


def test_threads_do_not_change_the_answer(network):
    session = OnnxRuntimeSession(network)
    alone = [session.run(("map",), {"picture": p})[0].tobytes() for p in PICTURES]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda p: session.run(("map",), {"picture": p})[0].tobytes(), PICTURES))
    assert together == alone
    assert len(set(alone)) == len(PICTURES)


def test_what_it_cannot_load_or_run_is_a_model_error(network):
    with pytest.raises(ModelError, match="cannot load"):
        OnnxRuntimeSession(b"nonsense")
    graph = onnx.load_model_from_string(network)
    graph.graph.node[0].op_type = "NoSuchOperation"
    with pytest.raises(ModelError, match="cannot load"):
        OnnxRuntimeSession(graph.SerializeToString())
    session = OnnxRuntimeSession(network)
    with pytest.raises(ModelError, match="cannot run"):
        session.run(("map",), {"picture": np.zeros((1, 3, 16, 16), np.float32)})
    with pytest.raises(ModelError, match="cannot run"):
        session.run(("no such output",), {"picture": PICTURES[0]})
