"""A recognizer file says exactly what was written, or is refused with a sentence."""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foveal.core.errors import FovealError, IntegrityError, ModelError, StoreError
from foveal.store.flat_zip import pack_parts
from foveal.store.recognizer_file import read_recognizer_file, write_recognizer_file

MANIFEST = {"kind": "classifier", "backbone": {"id": "b", "sha256": "00"}, "classes": ["Äpfel", "b"], "licenses": {}}
ARRAYS: dict[str, dict[str, np.ndarray[Any, Any]]] = {
    "moments": {"gram": np.arange(12, dtype=np.int64).reshape(4, 3).T, "counts": np.array([2, 3], dtype=np.int64)},
    "empty": {"none": np.zeros((0, 4), dtype=np.float32), "one": np.array(2.5)},
}
DOCUMENTS = {"card": {"title": "Früchte", "n": 3}}
BLOBS = {"figure.png": b"\x89PNG", "raw": b""}
_HEADER = b'{"x":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'
BRAIN_FLOATS = len(_HEADER).to_bytes(8, "little") + _HEADER + b"\0\0"  # a type that numpy lacks
FORMATS = Path(__file__).parent / "formats"


def write(path: Path, **changes: Any) -> str:
    """Write the example file with something changed."""
    given = {"manifest": MANIFEST, "arrays": ARRAYS, "documents": DOCUMENTS, "blobs": BLOBS, **changes}
    return write_recognizer_file(path, given["manifest"], given["arrays"], given["documents"], given["blobs"])


def check_content(path: Path) -> None:
    """Compare a file of the example with what was put in."""
    content = read_recognizer_file(path)
    assert {key: content.manifest[key] for key in MANIFEST} == MANIFEST
    assert content.documents == DOCUMENTS and content.blobs == BLOBS
    assert content.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    for group, arrays in ARRAYS.items():
        assert set(content.arrays[group]) == set(arrays)
        for name, array in arrays.items():
            read = content.arrays[group][name]
            assert read.dtype == array.dtype and read.shape == array.shape and np.array_equal(read, array)


def test_what_was_written_is_read_and_any_zip_program_agrees(tmp_path: Path) -> None:
    digest = write(tmp_path / "a.foveal")
    check_content(tmp_path / "a.foveal")
    assert digest == hashlib.sha256((tmp_path / "a.foveal").read_bytes()).hexdigest()
    with zipfile.ZipFile(tmp_path / "a.foveal") as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("card.json")) == DOCUMENTS["card"]
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


def test_a_file_of_format_1_is_still_read() -> None:
    check_content(FORMATS / "recognizer-1.foveal")


def test_equal_content_gives_equal_bytes_in_any_order(tmp_path: Path) -> None:
    write(tmp_path / "a.foveal")
    turned = {name: {k: np.array(v, order="F") for k, v in reversed(group.items())} for name, group in ARRAYS.items()}
    write(tmp_path / "b.foveal", arrays=turned, manifest=dict(reversed(MANIFEST.items())))
    assert (tmp_path / "a.foveal").read_bytes() == (tmp_path / "b.foveal").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.foveal", "b.foveal"]


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.foveal")
    whole = (tmp_path / "a.foveal").read_bytes()
    cut = tmp_path / "cut.foveal"
    for length in [*range(0, len(whole), 7), len(whole) - 1]:
        cut.write_bytes(whole[:length])
        with pytest.raises((ModelError, IntegrityError), match="is refused: .+ Get the file again"):
            read_recognizer_file(cut)
    cut.write_bytes(whole + b"\0")
    with pytest.raises(FovealError):
        read_recognizer_file(cut)


def test_a_flipped_byte_anywhere_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.foveal")
    whole = (tmp_path / "a.foveal").read_bytes()
    flipped = tmp_path / "flipped.foveal"
    for place in range(len(whole)):
        mask = 0x20 if place % 2 else 0x01 << (place % 8)
        flipped.write_bytes(whole[:place] + bytes([whole[place] ^ mask]) + whole[place + 1 :])
        with pytest.raises((ModelError, IntegrityError), match="is refused"):
            read_recognizer_file(flipped)


def _forge(path: Path, change: Any) -> None:
    """Rewrite a file with consistent checksums, as a forger would; `change` edits manifest and parts in place."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(parts.pop("manifest.json"))
    change(manifest, parts)
    parts["manifest.json"] = json.dumps(manifest).encode()
    path.write_bytes(b"".join(pack_parts(parts)))


def _put(name: str, data: bytes) -> Any:
    def change(manifest: dict[str, Any], parts: dict[str, bytes]) -> None:
        parts[name] = data
        manifest["parts"][name] = hashlib.sha256(data).hexdigest()

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda m, p: m.update(format=2), "upgrade foveal"),
        (lambda m, p: m.update(format="1"), "format number is '1'"),
        (lambda m, p: m.update(format=True), "format number is True"),
        (lambda m, p: m.pop("format"), "format number is None"),
        (lambda m, p: m.pop("classes"), "lacks classes"),
        (lambda m, p: m.update(classes=["a", "a"]), "names a class twice"),
        (lambda m, p: m.update(classes="ab"), "list of names"),
        (lambda m, p: m.update(backbone={"id": 1}), "backbone"),
        (lambda m, p: m.update(kind=None), "kind"),
        (lambda m, p: m.update(parts=[]), "parts must be"),
        (lambda m, p: p.pop("card.json"), "missing or added: card.json"),
        (lambda m, p: p.update({"more.json": b"{}"}), "missing or added: more.json"),
        (lambda m, p: p.update({"card.json": b"{}"}), "card.json does not match the hash"),
        (_put("blobs/../../evil", b"x"), "not allowed"),
        (_put("blobs//etc/passwd", b"x"), "not allowed"),
        (_put("../evil.json", b"{}"), "not allowed"),
        (_put("evil.pickle", b"x"), "unknown kind"),
        (_put("list.json", b"[]"), "must hold a JSON object"),
        (_put("deep.json", b"[" * 100_000), "not JSON"),
        (_put("nan.json", b'{"a": \xff}'), "not JSON"),
        (_put("junk.safetensors", b"\xff" * 40), "not a group of arrays"),
        (_put("short.safetensors", b""), "not a group of arrays"),
        (_put("brain.safetensors", BRAIN_FLOATS), "brain"),
    ],
)
def test_a_forged_file_is_refused(tmp_path: Path, change: Any, expected: str) -> None:
    path = tmp_path / "forged.foveal"
    write(path)
    _forge(path, lambda manifest, parts: None)
    check_content(path)  # the forging itself is sound
    _forge(path, change)
    with pytest.raises((ModelError, IntegrityError), match=expected):
        read_recognizer_file(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        read_recognizer_file(tmp_path / "none.foveal")
    with pytest.raises(ModelError, match="Cannot read"):
        read_recognizer_file(tmp_path)
    compressed = tmp_path / "c.foveal"
    with zipfile.ZipFile(compressed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", json.dumps(MANIFEST))
    with pytest.raises(IntegrityError, match="header of a part"):
        read_recognizer_file(compressed)
    compressed.write_bytes(b"".join(pack_parts({"other.txt": b"x"})))
    with pytest.raises(ModelError, match="no manifest.json"):
        read_recognizer_file(compressed)


@pytest.mark.parametrize(
    "changes",
    [
        {"manifest": {**MANIFEST, "format": 9}},
        {"manifest": {"kind": "classifier"}},
        {"documents": {"manifest": {}}},
        {"documents": {"../card": {}}},
        {"documents": {"card": {"x": float("nan")}}},
        {"documents": {"card": {"x": object()}}},
        {"arrays": {"Moments": {}}},
        {"arrays": {"m": {"x": np.array(["text"])}}},
        {"arrays": {"m": {"x": np.array([object()])}}},
        {"blobs": {"a/b": b""}},
    ],
)
def test_what_cannot_be_held_is_refused_and_the_old_file_stays(tmp_path: Path, changes: dict[str, Any]) -> None:
    write(tmp_path / "a.foveal")
    with pytest.raises(ModelError):
        write(tmp_path / "a.foveal", **changes)
    check_content(tmp_path / "a.foveal")


def test_a_folder_that_is_not_there_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Cannot write"):
        write(tmp_path / "missing" / "a.foveal")
