"""Graphs on the CPU through OpenVINO: faster where the processor has bfloat16; an extra."""

import queue
from collections.abc import Callable, Mapping
from typing import Any, final

import numpy as np
import numpy.typing as npt

from foveal.core.contracts import Float32s, Session
from foveal.core.errors import InputError, MissingExtraError, ModelError

PRECISIONS = {"fp32": "f32", "bf16": "bf16"}


@final
class OpenVinoSession(Session):
    """A graph compiled for one stream, once for every call that runs at the same moment."""

    def __init__(self, graph: bytes, precision: str) -> None:
        try:
            import openvino
        except ImportError:
            raise MissingExtraError("The OpenVINO runtime", "openvino") from None
        if precision not in PRECISIONS:
            raise InputError(f"OpenVINO runs in {' or '.join(PRECISIONS)}, got {precision!r}.")
        core = openvino.Core()
        if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise InputError("This processor has no bfloat16 arithmetic. Use --precision fp32.")
        settings = {
            "INFERENCE_NUM_THREADS": 1,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # or all requests would run on the same core
            "INFERENCE_PRECISION_HINT": PRECISIONS[precision],
        }
        self._compile: Callable[[], Any] = lambda: core.compile_model(
            core.read_model(graph), "CPU", settings
        ).create_infer_request()
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        try:
            self._idle.put(self._compile())
        except RuntimeError as problem:
            raise ModelError(f"OpenVINO cannot load this graph: {problem}") from None

    def run(self, outputs: tuple[str, ...], inputs: Mapping[str, npt.NDArray[Any]]) -> list[Float32s]:
        """Compute the named outputs, in that order; safe to call from several threads.

        Raises ModelError when the graph refuses these inputs.
        """
        try:
            request = self._idle.get_nowait()
        except queue.Empty:
            request = self._compile()  # as many as ever ran at the same moment
        try:
            results = request.infer(dict(inputs))
            return [np.array(results[name]) for name in outputs]
        except RuntimeError as problem:
            raise ModelError(f"OpenVINO cannot run this graph: {problem}") from None
        finally:
            self._idle.put(request)
