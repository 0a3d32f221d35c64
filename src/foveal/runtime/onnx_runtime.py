"""Graphs on the CPU through ONNX Runtime: the default."""

from collections.abc import Mapping
from typing import Any, final

import numpy.typing as npt
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as problems

from foveal.core.contracts import Float32s, Session
from foveal.core.errors import ModelError

REFUSALS = (
    problems.Fail,
    problems.InvalidArgument,
    problems.InvalidGraph,
    problems.InvalidProtobuf,
    problems.NoSuchFile,
    problems.NotImplemented,
    problems.RuntimeException,
    ValueError,
)


@final
class OnnxRuntimeSession(Session):
    """One graph, one thread a call: several Python threads side by side beat one call on all cores."""

    def __init__(self, graph: bytes) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except REFUSALS as problem:
            raise ModelError(f"ONNX Runtime cannot load this graph: {problem}") from None

    def run(self, outputs: tuple[str, ...], inputs: Mapping[str, npt.NDArray[Any]]) -> list[Float32s]:
        """Compute the named outputs, in that order; safe to call from several threads.

        Raises ModelError when the graph refuses these inputs.
        """
        try:
            results: list[Float32s] = self._session.run(list(outputs), dict(inputs))
        except REFUSALS as problem:
            raise ModelError(f"ONNX Runtime cannot run this graph: {problem}") from None
        return results
