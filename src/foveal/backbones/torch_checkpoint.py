"""PyTorch checkpoints read without PyTorch, by an unpickler that allows tensors and nothing else.

Both layouts are read: the old one (a magic number, a protocol number, facts of the writing system,
the pickled state, the storage keys, then raw storages) and the zip one (data.pkl beside data/KEY).
"""

import io
import pickle
import zipfile
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from foveal.core.errors import ModelError

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
STORAGES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}
BROKEN = (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, ImportError,
          MemoryError, OverflowError, UnicodeDecodeError, zipfile.BadZipFile, zlib.error, RuntimeError)  # fmt: skip


@dataclass(frozen=True)
class _Tensor:
    """A view on a storage whose bytes come later."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Reader(pickle.Unpickler):
    """Builds tensors, ordered dictionaries and plain values; any other name is refused."""

    def __init__(self, file: io.BufferedIOBase | io.BytesIO) -> None:
        super().__init__(file, encoding="utf-8")
        self.dtypes: dict[str, str] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Allow tensors and what holds them."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, *_: tensor
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise ModelError(f"The checkpoint asks for {module}.{name}; only tensors are allowed. Do not trust this file.")

    def persistent_load(self, pid: Any) -> str:
        """Note a storage's element type and return its key."""
        kind, dtype, key = pid[0], pid[1], pid[2]
        if kind != "storage" or dtype not in STORAGES.values():
            raise ModelError(f"The checkpoint refers to {kind!r}; only storages of numbers are allowed.")
        self.dtypes[str(key)] = dtype
        return str(key)


def _rebuild_tensor(storage: str, offset: int, shape: Any, strides: Any, *_: Any) -> _Tensor:
    return _Tensor(str(storage), int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


def read_checkpoint(data: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a state dictionary by name.

    Raises ModelError when the file is cut short, is not a checkpoint, or asks for any code.
    """
    try:
        state, storages = _read_zip(data) if zipfile.is_zipfile(io.BytesIO(data)) else _read_old(data)
        return {str(name): _view(tensor, storages) for name, tensor in state.items() if isinstance(tensor, _Tensor)}
    except BROKEN as problem:
        raise ModelError(f"Not a whole PyTorch checkpoint: {problem}. Download the file again.") from None


def _read_old(data: bytes) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    file = io.BytesIO(data)
    if _Reader(file).load() != MAGIC or _Reader(file).load() != PROTOCOL:
        raise ModelError("Not a PyTorch checkpoint: the magic number does not match.")
    _Reader(file).load()  # facts of the writing system
    reader = _Reader(file)
    state = reader.load()
    keys = _Reader(file).load()
    storages = {}
    for key in keys:
        n = int.from_bytes(file.read(8), "little")
        dtype = np.dtype(reader.dtypes[str(key)])
        raw = file.read(n * dtype.itemsize)
        storages[str(key)] = np.frombuffer(raw, dtype, count=n)
    return state, storages


def _read_zip(data: bytes) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        inside = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
        if inside is None:
            raise ModelError("Not a PyTorch checkpoint: the zip file has no data.pkl inside.")
        reader = _Reader(io.BytesIO(archive.read(inside)))
        state = reader.load()
        folder = inside.removesuffix("data.pkl")
        storages = {
            key: np.frombuffer(archive.read(f"{folder}data/{key}"), np.dtype(dtype))
            for key, dtype in reader.dtypes.items()
        }
    return state, storages


def _view(tensor: _Tensor, storages: dict[str, npt.NDArray[Any]]) -> npt.NDArray[Any]:
    flat = storages[tensor.storage]
    reach = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True)) + 1
    if min(tensor.offset, *tensor.shape, *tensor.strides, 0) < 0 or (0 not in tensor.shape and reach > len(flat)):
        raise ModelError("The checkpoint has a tensor that reaches outside its storage.")
    if prod(tensor.shape) > len(flat):  # strides of zero would let a few bytes ask for any amount of memory
        raise ModelError("The checkpoint has a tensor larger than its storage.")
    strides = tuple(step * flat.itemsize for step in tensor.strides)
    return np.ascontiguousarray(np.lib.stride_tricks.as_strided(flat[tensor.offset :], tensor.shape, strides))
