"""The recognizer file NAME.foveal: JSON and safetensors in a zip, never a pickle, checked before anything is built.

Parts: manifest.json (format number, kind, backbone, classes, licenses, SHA-256 of every other part),
NAME.json documents, NAME.safetensors groups of arrays, and blobs/NAME.

How to raise the format number: add one to FORMAT, keep the reader of the number before in READERS,
write the new one beside it, and commit a small file of the old number to tests/store/formats/ with
a test that still reads it.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from foveal.core.errors import FovealError, IntegrityError, ModelError, StoreError
from foveal.store.files import write_aside
from foveal.store.flat_zip import LIMIT_BYTES, pack_parts, unpack_parts
from foveal.store.plain import from_json, to_json

FORMAT = 1
MANIFEST = "manifest.json"
REQUIRED = ("kind", "backbone", "classes", "licenses")
_OURS = ("format", "parts")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_BLOB_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}(\.[a-z0-9]{1,8})?")
_INTEGERS = {f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)}
_DTYPES = frozenset({"bool", "float16", "float32", "float64"} | _INTEGERS)
_JSON, _ARRAYS, _BLOBS = ".json", ".safetensors", "blobs/"
Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class RecognizerFile:
    """What a recognizer file holds; every part matched its hash."""

    manifest: dict[str, Any]
    arrays: dict[str, dict[str, npt.NDArray[Any]]]
    documents: dict[str, dict[str, Any]]
    blobs: dict[str, bytes]
    sha256: str  # of the whole file


def write_recognizer_file(
    path: Path,
    manifest: Mapping[str, Any],
    arrays: Mapping[str, Arrays],
    documents: Mapping[str, Mapping[str, Any]],
    blobs: Mapping[str, bytes] | None = None,
) -> str:
    """Write a recognizer file and return its SHA-256; equal content gives equal bytes.

    `manifest` needs kind (str), backbone (object with id and sha256), classes (list of str) and
    licenses (object or list); the format number and the hashes of the parts are added here.
    Raises ModelError when something cannot be held, StoreError when the disk refuses it.
    """
    parts = {f"{_checked(name, _NAME)}{_JSON}": _to_bytes(name, plain) for name, plain in documents.items()}
    parts |= {f"{_checked(name, _NAME)}{_ARRAYS}": _save_arrays(name, group) for name, group in arrays.items()}
    parts |= {f"{_BLOBS}{_checked(name, _BLOB_NAME)}": bytes(blob) for name, blob in (blobs or {}).items()}
    if MANIFEST in parts or any(key in manifest for key in _OURS):
        raise ModelError(f"The names {MANIFEST}, {', '.join(_OURS)} are kept for the file itself. Choose others.")
    whole = {**manifest, "format": FORMAT, "parts": {name: _sha256(part) for name, part in parts.items()}}
    _check_manifest(whole)
    digest = hashlib.sha256()
    packed = list(pack_parts({**parts, MANIFEST: _to_bytes(MANIFEST, whole)}))
    for chunk in packed:
        digest.update(chunk)
    try:
        write_aside(Path(path), packed)
    except OSError as problem:
        raise StoreError(f"Cannot write {path}: {problem.strerror}. Free space or choose another place.") from problem
    return digest.hexdigest()


def read_recognizer_file(path: Path) -> RecognizerFile:
    """Read and check a recognizer file; nothing is returned unless every byte is accounted for.

    Raises ModelError when it is not one, or of a newer format; IntegrityError when it was cut short or altered.
    """
    path = Path(path)
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise ModelError(f"{path} is larger than a recognizer file may be ({LIMIT_BYTES} bytes).")
        data = path.read_bytes()
    except OSError as problem:
        raise ModelError(f"Cannot read {path}: {problem.strerror}. Give the path of a .foveal file.") from problem
    try:
        return _read(data)
    except FovealError as problem:
        raise type(problem)(f"{path} is refused: {problem}. Get the file again from where it was made.") from problem


def _read(data: bytes) -> RecognizerFile:
    parts = unpack_parts(data)
    if MANIFEST not in parts:
        raise ModelError(f"it has no {MANIFEST}, so it is not a recognizer file")
    manifest = _read_json(MANIFEST, parts[MANIFEST])
    number = manifest.get("format")
    if type(number) is not int or number < 1:
        raise ModelError(f"its format number is {number!r}, expected 1 to {FORMAT}")
    if number not in READERS:
        raise ModelError(f"it has format {number}, this foveal reads formats up to {FORMAT}; upgrade foveal")
    return READERS[number](manifest, parts, _sha256(data))


def _read_format_1(manifest: dict[str, Any], parts: dict[str, memoryview], sha256: str) -> RecognizerFile:
    _check_manifest(manifest)
    promised, found = set(manifest["parts"]), set(parts) - {MANIFEST}
    if promised != found:
        different = ", ".join(sorted(promised ^ found))
        raise IntegrityError(f"its parts are not those its manifest lists; missing or added: {different}")
    arrays: dict[str, dict[str, npt.NDArray[Any]]] = {}
    documents: dict[str, dict[str, Any]] = {}
    blobs: dict[str, bytes] = {}
    for name, promised_hash in manifest["parts"].items():
        if _sha256(parts[name]) != promised_hash:
            raise IntegrityError(f"the part {name} does not match the hash in its manifest")
        if name.startswith(_BLOBS):
            blobs[_checked(name.removeprefix(_BLOBS), _BLOB_NAME)] = bytes(parts[name])
        elif name.endswith(_ARRAYS):
            arrays[_checked(name.removesuffix(_ARRAYS), _NAME)] = _load_arrays(name, parts[name])
        elif name.endswith(_JSON):
            documents[_checked(name.removesuffix(_JSON), _NAME)] = _read_json(name, parts[name])
        else:
            raise ModelError(f"it holds a part of an unknown kind: {name!r}")
    return RecognizerFile(manifest, arrays, documents, blobs, sha256)


READERS: dict[int, Callable[[dict[str, Any], dict[str, memoryview], str], RecognizerFile]] = {1: _read_format_1}


def _check_manifest(manifest: Mapping[str, Any]) -> None:
    missing = [key for key in (*REQUIRED, *_OURS) if key not in manifest]
    if missing:
        raise ModelError(f"its manifest lacks {', '.join(missing)}")
    backbone, classes, parts = manifest["backbone"], manifest["classes"], manifest["parts"]
    if not isinstance(manifest["kind"], str):
        raise ModelError("its manifest's kind must be text")
    if not isinstance(backbone, Mapping) or not all(isinstance(backbone.get(key), str) for key in ("id", "sha256")):
        raise ModelError("its manifest's backbone must be an object with id and sha256")
    if not isinstance(classes, list | tuple) or not all(isinstance(name, str) for name in classes):
        raise ModelError("its manifest's classes must be a list of names")
    if len(set(classes)) != len(classes):
        raise ModelError("its manifest names a class twice")
    if not isinstance(parts, Mapping) or not all(isinstance(value, str) for value in parts.values()):
        raise ModelError("its manifest's parts must be an object of hashes")


def _checked(name: str, pattern: re.Pattern[str]) -> str:
    if not pattern.fullmatch(name):
        raise ModelError(f"the name {name!r} of a part is not allowed: use small letters, digits, - and _")
    return name


def _sha256(data: bytes | memoryview) -> str:
    return hashlib.sha256(data).hexdigest()


def _to_bytes(name: str, plain: Mapping[str, Any]) -> bytes:
    try:
        return to_json(plain).encode()
    except (TypeError, ValueError) as problem:
        raise ModelError(f"The document {name} cannot be written as JSON: {problem}.") from problem


def _read_json(name: str, part: memoryview) -> dict[str, Any]:
    try:
        plain = from_json(str(part, "utf-8"))
    except (StoreError, UnicodeDecodeError):
        raise ModelError(f"the part {name} is not JSON") from None
    if not isinstance(plain, dict):
        raise ModelError(f"the part {name} must hold a JSON object")
    return plain


def _save_arrays(name: str, group: Arrays) -> bytes:
    ready = {}
    for key, array in group.items():
        if array.dtype.name not in _DTYPES:
            raise ModelError(f"The array {name}/{key} has type {array.dtype}, which a recognizer file cannot hold.")
        ready[key] = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(array.shape)
    return save(ready)


def _load_arrays(name: str, part: memoryview) -> dict[str, npt.NDArray[Any]]:
    try:
        group = load(bytes(part))
    except (SafetensorError, ValueError, KeyError, TypeError) as problem:
        raise ModelError(f"the part {name} is not a group of arrays ({problem})") from problem
    for key, array in group.items():
        if array.dtype.name not in _DTYPES:
            raise ModelError(f"the array {name}/{key} has the type {array.dtype}, which foveal does not use")
    return dict(group)
