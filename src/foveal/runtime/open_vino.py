"""Graphs on the CPU through OpenVINO: faster where the processor has bfloat16; an extra."""

import threading
from collections.abc import Mapping
from typing import Any, final

import numpy as np
import numpy.typing as npt

from foveal.core.contracts import Float32s, Session
from foveal.core.errors import InputError, MissingExtraError, ModelError

PRECISIONS = {"fp32": "f32", "bf16": "bf16"}


@final
class OpenVinoSession(Session):
    """One compiled graph; every calling thread has an inference request of its own."""

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
            "INFERENCE_PRECISION_HINT": PRECISIONS[precision],
        }
        try:
            self._compiled: list[Any] = [core.compile_model(core.read_model(graph), "CPU", settings)]
        except RuntimeError as problem:
            raise ModelError(f"OpenVINO cannot load this graph: {problem}") from None
        self._core, self._graph, self._settings = core, graph, settings
        self._requests = threading.local()

    def run(self, outputs: tuple[str, ...], inputs: Mapping[str, npt.NDArray[Any]]) -> list[Float32s]:
        """Compute the named outputs, in that order; safe to call from several threads."""
        request = getattr(self._requests, "own", None)
        if request is None:
            # A compiled model runs on one stream, so a thread needs a model of its own to run beside others.
            compiled = self._core.compile_model(self._core.read_model(self._graph), "CPU", self._settings)
            request = self._requests.own = compiled.create_infer_request()
        results = request.infer(dict(inputs))
        return [np.array(results[name]) for name in outputs]
