"""Which inference library runs a graph: one explicit table."""

from collections.abc import Callable

from foveal.core.contracts import Session
from foveal.core.errors import InputError


def _onnx_runtime(graph: bytes, precision: str) -> Session:
    from foveal.runtime.onnx_runtime import OnnxRuntimeSession

    if precision != "fp32":
        raise InputError(f"ONNX Runtime runs in fp32 here, got {precision!r}. Use --runtime openvino for bf16.")
    return OnnxRuntimeSession(graph)


def _openvino(graph: bytes, precision: str) -> Session:
    from foveal.runtime.open_vino import OpenVinoSession

    return OpenVinoSession(graph, precision)


RUNTIMES: dict[str, Callable[[bytes, str], Session]] = {"onnxruntime": _onnx_runtime, "openvino": _openvino}


def open_session(graph: bytes, *, runtime: str = "onnxruntime", precision: str = "fp32") -> Session:
    """Load an ONNX graph, given as bytes, for inference on the CPU.

    Raises InputError for an unknown runtime or precision, MissingExtraError where its library is
    not installed, ModelError where the graph cannot be loaded.
    """
    if runtime not in RUNTIMES:
        raise InputError(f"Unknown runtime {runtime!r}; choose one of {', '.join(RUNTIMES)}.")
    return RUNTIMES[runtime](graph, precision)
