"""What was forgotten is nowhere in the bytes of the workspace, and the certificate says so truthfully."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from foveal.core.errors import BusyError
from foveal.store.certificate import (
    INTERRUPTED,
    check_against_log,
    fulfils_commitment,
    read_certificate,
    verify_certificate,
)
from foveal.store.scan import scan
from foveal.store.workspace import Workspace
from tests.store.kept import fresh, new_example, picture_bytes

SECRET = "Ännchen of Tharau 1637.jpg"


def everything_in(folder: Path) -> bytes:
    """All bytes of all files of a folder, read without the store's own search."""
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def taught(folder: Path) -> Workspace:
    """A workspace with one picture that will be forgotten, id 31, corrected once, among 30 others."""
    workspace = fresh(folder, 30)
    workspace.add([new_example(99, name=SECRET, subject="Simon Dach", group="patient-1637")], memory_sha256="with")
    workspace.relabel([31], [["dog"]], memory_sha256="with")
    workspace.model_path.write_bytes(b"derived from " + new_example(99).code.tobytes())
    return workspace


def forget(workspace: Workspace) -> dict[str, Any]:
    """Forget it and write the certificate."""
    erased = workspace.erase([31], asked="subject", memory_sha256="without", words=["Dach, Simon"])
    workspace.model_path.write_bytes(b"made anew")
    return workspace.certify(erased)


def test_nothing_of_a_forgotten_picture_is_left_in_the_bytes(tmp_path: Path) -> None:
    record = new_example(99)
    code, thumbnail = record.code.tobytes(), record.thumbnail
    traces = [SECRET.encode(), b"Simon Dach", b"patient-1637", record.capture.sha256.encode()]
    traces += [code[start : start + 24] for start in range(0, len(code) - 24, 8)]
    traces += [thumbnail[start : start + 24] for start in range(10, len(thumbnail) - 24, 8)]
    with taught(tmp_path) as workspace:
        before = everything_in(tmp_path)
        assert all(trace in before for trace in traces[:4]) and traces[4] in before and traces[-1] in before
        kept = workspace.rows()[:30]
        certificate = forget(workspace)
        after = everything_in(tmp_path)
        assert [trace for trace in traces if trace in after] == []
        assert workspace.rows() == kept and workspace.codes([1])[0].tolist() == new_example(0).code.tolist()
        assert workspace.problems() == [] and workspace.memory_sha256 == "without"
    assert certificate["scan"]["n_found"] == 0 and certificate["scan"]["n_bytes"] >= len(after) - 40_000
    assert [trace for trace in traces if trace in everything_in(tmp_path)] == []


def test_the_certificate_holds_and_names_nobody(tmp_path: Path) -> None:
    with taught(tmp_path) as workspace:
        workspace.register_export("/home/me/given to Bob.foveal", "ab" * 32, memory_sha256="with", n_pictures=31)
        certificate = forget(workspace)
        key, log = workspace.public_key, workspace.log()
    (file,) = (tmp_path / "certificates").iterdir()
    assert read_certificate(file) == certificate
    assert verify_certificate(certificate, key) == [] and check_against_log(certificate, *log) == []
    assert (certificate["memory_before"], certificate["memory_after"]) == ("with", "without")
    assert (certificate["pictures_before"], certificate["pictures_after"], certificate["n_erased"]) == (31, 30, 1)
    assert len(certificate["erased_leaves"]) == 2 and certificate["asked"] == "subject"
    assert fulfils_commitment(certificate, picture_bytes(99)) and not fulfils_commitment(certificate, picture_bytes(98))
    text = file.read_text()
    assert "Dach" not in text and SECRET not in text and new_example(99).capture.sha256 not in text
    assert "given to Bob.foveal" in text and "/home/me" not in text


def test_any_change_of_the_certificate_is_found(tmp_path: Path) -> None:
    with taught(tmp_path) as workspace:
        certificate = forget(workspace)
        key = workspace.public_key
    for field in certificate:
        assert verify_certificate({**certificate, field: _other(certificate[field])}, key) != [], field
        assert verify_certificate({name: certificate[name] for name in certificate if name != field}, key) != [], field
    assert "another key" in verify_certificate(certificate, Ed25519PrivateKey.generate().public_key())[0]
    assert "Upgrade foveal" in verify_certificate({**certificate, "format": 2}, key)[0]


def _other(value: Any) -> Any:
    """A value of the same type that is not the same."""
    if isinstance(value, int):
        return value + 1
    return value + "~" if isinstance(value, str) else type(value)()


def test_a_certificate_in_the_folder_that_was_altered_is_a_problem(tmp_path: Path) -> None:
    with taught(tmp_path) as workspace:
        certificate = forget(workspace)
        (file,) = (tmp_path / "certificates").iterdir()
        file.write_text(json.dumps({**certificate, "n_erased": 2}))
        assert any("signature does not match" in problem for problem in workspace.problems())
        file.write_text("not json")
        assert any("cannot be read" in problem for problem in workspace.problems())


@pytest.mark.parametrize("where", ["model.foveal", "certificates/old.json", ".foveal-model.foveal.123", "keys/notes"])
def test_a_trace_planted_anywhere_is_found(tmp_path: Path, where: str) -> None:
    """The seeded fault: a cache that was not made anew still holds the code."""
    with taught(tmp_path) as workspace:
        erased = workspace.erase([31], asked="picture", memory_sha256="without")
        (tmp_path / where).parent.mkdir(exist_ok=True)
        (tmp_path / where).write_bytes(b"..." + new_example(99).code.tobytes() + b"...")
        certificate = workspace.certify(erased)
        assert certificate["scan"]["found_in"] == [where] and certificate["scan"]["n_found"] > 0
        assert any(where in problem for problem in verify_certificate(certificate, workspace.public_key))


def test_a_careless_deletion_leaves_traces_that_the_scan_sees(tmp_path: Path) -> None:
    """The seeded fault: without secure deletion and vacuum the code stays in free pages."""
    needle = new_example(99).code.tobytes()[:64]
    taught(tmp_path).close()
    with sqlite3.connect(tmp_path / "workspace.db") as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("DELETE FROM codes WHERE id = 31")
    connection.close()
    found = scan(tmp_path, [tmp_path / "workspace.db"], [needle]).found
    assert found == (("workspace.db", needle),)


def test_what_other_pictures_share_is_no_trace(tmp_path: Path) -> None:
    with fresh(tmp_path / "w", 3) as workspace:
        twin = new_example(50, name="kitty.jpg", group="garden-3")
        (first,) = workspace.add([twin])
        workspace.add([twin, new_example(51, name="my kitty.jpg", group="garden-3")], memory_sha256="with")
        certificate = workspace.certify(workspace.erase([first], asked="picture", memory_sha256="without"))
        assert certificate["scan"]["n_found"] == 0 and certificate["scan"]["held_by_others"] >= 5
        assert len(workspace) == 5 and workspace.problems() == []


def test_a_shared_name_in_a_place_of_its_own_is_still_erased_from_the_log(tmp_path: Path) -> None:
    with fresh(tmp_path / "w") as workspace:
        ids = workspace.add([new_example(1), new_example(2)])
        workspace.certify(workspace.erase(ids[:1], asked="picture", memory_sha256="x"))
        _, leaves = workspace.log()
        assert [leaf.content is None for leaf in leaves if leaf.example_id == ids[0]] == [True]


def test_forgetting_all_pictures_of_a_group_leaves_an_empty_workspace_that_can_be_taught(tmp_path: Path) -> None:
    with fresh(tmp_path / "w", 20) as workspace:
        certificate = workspace.certify(workspace.erase(range(1, 21), asked="group", memory_sha256="empty"))
        assert verify_certificate(certificate, workspace.public_key) == [] and len(workspace) == 0
        assert workspace.add([new_example(1)]) == [21]  # numbers are never given twice
        assert workspace.problems() == []


def test_an_unreadable_file_of_the_same_name_is_forgotten_too(tmp_path: Path) -> None:
    with fresh(tmp_path / "w", 1) as workspace:
        workspace.add([], unreadable=[(new_example(0).example.name, "cut short"), ("other.jpg", "empty")])
        workspace.erase([1], asked="picture", memory_sha256="x")
        assert list(workspace.unreadable()) == ["other.jpg"]


def test_a_reader_delays_the_overwriting_and_the_next_opening_finishes_it(tmp_path: Path) -> None:
    with taught(tmp_path) as workspace:
        reader = sqlite3.connect(tmp_path / "workspace.db", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM examples").fetchone()
        workspace._ledger.connection.execute("PRAGMA busy_timeout = 20")
        with pytest.raises(BusyError, match="finishes the erasure"):
            workspace.erase([31], asked="picture", memory_sha256="without")
        reader.execute("COMMIT")
        reader.close()
    with Workspace.open(tmp_path, writing=True) as workspace:
        assert SECRET.encode() not in everything_in(tmp_path) and len(workspace) == 30
        assert not workspace.model_path.exists()
        (file,) = (tmp_path / "certificates").iterdir()
        assert verify_certificate(read_certificate(file), workspace.public_key) == [INTERRUPTED]
        assert workspace.problems() == []
    stamp = file.read_bytes()
    with Workspace.open(tmp_path, writing=True):
        assert file.read_bytes() == stamp  # finished once, not again
