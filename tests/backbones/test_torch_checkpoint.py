"""Checkpoints: tensors are read without PyTorch; code, damage and reaching too far are refused."""

import io
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest

from foveal.backbones.torch_checkpoint import MAGIC, PROTOCOL, read_checkpoint
from foveal.core.errors import ModelError

WEIGHTS = np.arange(6, dtype="<f4").reshape(2, 3)


class Named:
    """Pickles as a global name, as PyTorch's classes do."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Writer(pickle._Pickler):
    """Writes names and storages the way PyTorch does, without PyTorch."""

    write: Callable[[bytes], object]

    def save_named(self, thing):
        self.write(f"c{thing.module}\n{thing.name}\n".encode())

    dispatch: ClassVar[Any] = pickle._Pickler.dispatch.copy()
    dispatch[Named] = save_named

    def persistent_id(self, thing):
        return thing.pid if isinstance(thing, Storage) else None


class Storage:
    def __init__(self, key, count, kind="FloatStorage"):
        self.pid = ("storage", Named("torch", kind), key, "cpu", count, None)


class Tensor:
    def __init__(self, storage, shape, strides):
        self.parts = storage, shape, strides

    def __reduce__(self):
        storage, shape, strides = self.parts
        return Rebuild(), (storage, 0, shape, strides, False, OrderedDict())


class Rebuild:
    def __call__(self, *arguments):
        raise AssertionError("only written, never called")


Writer.dispatch[Rebuild] = lambda self, thing: self.write(b"ctorch._utils\n_rebuild_tensor_v2\n")


def dump(thing):
    file = io.BytesIO()
    Writer(file, protocol=2).dump(thing)
    return file.getvalue()


def old_checkpoint(shape=(2, 3), strides=(3, 1), count=6):
    state = OrderedDict(w=Tensor(Storage("0", count), shape, strides))
    head = pickle.dumps(MAGIC, 2) + pickle.dumps(PROTOCOL, 2) + pickle.dumps({"little_endian": True}, 2)
    return head + dump(state) + pickle.dumps(["0"], 2) + struct.pack("<q", 6) + WEIGHTS.tobytes()


def test_a_checkpoint_is_read_without_pytorch():
    np.testing.assert_array_equal(read_checkpoint(old_checkpoint())["w"], WEIGHTS)
    np.testing.assert_array_equal(read_checkpoint(old_checkpoint((3, 2), (1, 3)))["w"], WEIGHTS.T)


def test_a_checkpoint_that_runs_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "broken in"),)

    head = pickle.dumps(MAGIC, 2) + pickle.dumps(PROTOCOL, 2) + pickle.dumps({}, 2)
    for data in (head + pickle.dumps(Evil(), 2), pickle.dumps(Evil(), 2)):
        with pytest.raises(ModelError, match="only tensors are allowed"):
            read_checkpoint(data)
    assert not (tmp_path / "broken in").exists()


def test_a_tensor_outside_its_storage_is_refused():
    with pytest.raises(ModelError, match="outside its storage"):
        read_checkpoint(old_checkpoint((4, 3), (3, 1)))


def test_a_checkpoint_cut_short_is_refused():
    whole = old_checkpoint()
    for length in range(len(whole)):
        with pytest.raises(ModelError):
            read_checkpoint(whole[:length])


def zip_checkpoint(shape=(2, 3), strides=(3, 1), compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("net/data.pkl", dump(OrderedDict(w=Tensor(Storage("0", 6), shape, strides))))
        archive.writestr("net/data/0", WEIGHTS.tobytes())
    return file.getvalue()


def test_a_zipped_checkpoint_is_read_too():
    np.testing.assert_array_equal(read_checkpoint(zip_checkpoint())["w"], WEIGHTS)
    np.testing.assert_array_equal(read_checkpoint(zip_checkpoint((3, 2), (1, 3)))["w"], WEIGHTS.T)


def test_a_zipped_checkpoint_cut_short_is_refused():
    whole = zip_checkpoint()
    for length in range(len(whole) - 1):
        with pytest.raises(ModelError):
            read_checkpoint(whole[:length])


def set_in_directory(data, place, value):
    """Change a byte of an entry in the zip's directory and the same byte of the entry itself, 2 places earlier."""
    spoiled = bytearray(data)
    spoiled[spoiled.find(b"PK\x01\x02") + place] = spoiled[place - 2] = value
    return bytes(spoiled)


def a_zip_without_pickle():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "hello")
    return file.getvalue()


def with_damaged_compression():
    data = bytearray(zip_checkpoint(compression=zipfile.ZIP_DEFLATED))
    data[30 + len("net/data.pkl")] = 0xFF
    return bytes(data)


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        (a_zip_without_pickle(), "no data.pkl"),
        (with_damaged_compression(), "decompressing"),
        (set_in_directory(zip_checkpoint(), 8, 1), "encrypted"),
        (set_in_directory(zip_checkpoint(), 10, 99), "compression"),
        (zip_checkpoint((1 << 40, 1 << 40), (0, 0)), "larger than its storage"),
        (zip_checkpoint((7,), (1,)), "outside its storage"),
        (zip_checkpoint((-1,), (1,)), "outside its storage"),
        (b"", "Not a whole"),
    ],
)
def test_a_spoiled_checkpoint_is_refused(spoiled, said):
    with pytest.raises(ModelError, match=said):
        read_checkpoint(spoiled)


@pytest.mark.parametrize("zipped", [True, False])
def test_what_pytorch_writes_is_read(tmp_path, zipped):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; make test-torch runs this")
    kinds = (torch.float32, torch.float64, torch.float16, torch.int64, torch.int32, torch.uint8, torch.bool)
    state = OrderedDict((str(kind), torch.arange(24).reshape(2, 3, 4).to(kind)) for kind in kinds)
    state["turned"] = state["torch.float32"].permute(2, 0, 1)
    state["part"] = state["torch.int64"][1, 1:]
    state["one"] = torch.tensor(7)
    state["none"] = torch.zeros(0, 3)
    torch.save(state, tmp_path / "net.pth", _use_new_zipfile_serialization=zipped)
    found = read_checkpoint((tmp_path / "net.pth").read_bytes())
    assert list(found) == list(state)
    for name, tensor in state.items():
        np.testing.assert_array_equal(found[name], tensor.numpy())
        assert found[name].dtype == tensor.numpy().dtype
