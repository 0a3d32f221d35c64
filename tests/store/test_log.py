"""Every way of tampering with the log is found; a log nobody touched has no problems."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from foveal.store.log import Leaf, LogRecord, hash_leaf, verify_log
from foveal.store.workspace import Workspace
from tests.store.kept import fresh, new_example

Log = tuple[list[LogRecord], list[Leaf]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Log, Ed25519PublicKey]:
    """A log of every kind of change, and the key it is signed with."""
    with fresh(tmp_path_factory.mktemp("w"), 5) as workspace:
        workspace.add([new_example(7, subject="Anna")])
        workspace.relabel([1], [["dog"]])
        workspace.set_groups({2: "burst"})
        workspace.certify(workspace.erase([1, 3], asked="picture", memory_sha256="after"))
        workspace.register_export("/tmp/handed out.foveal", "00", memory_sha256="after", n_pictures=4)
        workspace.update_settings({"classes": ["cat"]})
        assert workspace.problems() == []
        return workspace.log(), workspace.public_key


def test_an_untouched_log_verifies(whole: tuple[Log, Ed25519PublicKey]) -> None:
    (records, leaves), key = whole
    assert [record.seq for record in records] == list(range(1, 9))
    assert verify_log(records, leaves, key, pinned=[(3, records[2].sha256)]) == []
    assert sum(leaf.content is None for leaf in leaves) == 3  # two taught, one corrected


def _edit(place: int, **changes: Any) -> Callable[[Log], Log]:
    return lambda log: ([*log[0][:place], replace(log[0][place], **changes), *log[0][place + 1 :]], log[1])


def _edit_and_rehash(log: Log) -> Log:
    """An attacker without the key repairs the hash of the last record."""
    edited = replace(log[0][-1], memory_sha256="forged")
    return [*log[0][:-1], replace(edited, sha256=edited.digest())], log[1]


def _edit_leaf(log: Log) -> Log:
    place = next(place for place, leaf in enumerate(log[1]) if leaf.content and '"cat"' in leaf.content)
    leaf = log[1][place]
    edited = replace(leaf, content=str(leaf.content).replace("cat", "dog"))
    return log[0], [*log[1][:place], edited, *log[1][place + 1 :]]


def _edit_leaf_and_rehash(log: Log) -> Log:
    edited, leaves = _edit_leaf(log)
    fixed = [x if x.salt is None else replace(x, hash=hash_leaf(x.salt, str(x.content))) for x in leaves]
    return edited, fixed


def _blank_one(log: Log) -> Log:
    place = next(place for place, leaf in enumerate(log[1]) if leaf.example_id == 2)
    return log[0], [*log[1][:place], replace(log[1][place], salt=None, content=None), *log[1][place + 1 :]]


def _unblank_one(log: Log) -> Log:
    place = next(place for place, leaf in enumerate(log[1]) if leaf.content is None)
    return log[0], [*log[1][:place], replace(log[1][place], salt=b"s", content="{}"), *log[1][place + 1 :]]


TAMPERINGS: dict[str, tuple[Callable[[Log], Log], str]] = {
    "kind edited": (_edit(1, kind="create"), "Record 2 was edited"),
    "time edited": (_edit(2, time="2001-01-01T00:00:00+00:00"), "Record 3 was edited"),
    "memory hash edited": (_edit(1, memory_sha256="0"), "Record 2 was edited"),
    "hash repaired without the key": (_edit_and_rehash, "Record 8 is not signed"),
    "signature edited": (_edit(3, signature=b"0" * 64), "Record 4 is not signed"),
    "first dropped": (lambda log: (log[0][1:], log[1]), "missing or out of order"),
    "middle dropped": (lambda log: ([*log[0][:3], *log[0][4:]], log[1]), "missing or out of order"),
    "two swapped": (lambda log: ([log[0][0], log[0][2], log[0][1], *log[0][3:]], log[1]), "out of order"),
    "repeated": (lambda log: ([*log[0], log[0][-1]], log[1]), "out of order"),
    "record dropped, leaves left": (lambda log: (log[0][:-1], log[1]), "Leaves of record 8 remain"),
    "leaf edited": (_edit_leaf, "does not match its hash"),
    "leaf edited, hash repaired": (_edit_leaf_and_rehash, "leaves were edited"),
    "leaf dropped": (lambda log: (log[0], log[1][:-1]), "leaves were edited"),
    "leaves swapped": (lambda log: (log[0], [log[1][0], log[1][2], log[1][1], *log[1][3:]]), "leaves were edited"),
    "content removed on the quiet": (_blank_one, "blanked without a forget record"),
    "content brought back": (_unblank_one, "should be blank"),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_found(name: str, whole: tuple[Log, Ed25519PublicKey]) -> None:
    log, key = whole
    tamper, expected = TAMPERINGS[name]
    problems = verify_log(*tamper(log), key)
    assert any(expected in problem for problem in problems), problems


def test_a_dropped_tail_is_found_through_a_pinned_record(whole: tuple[Log, Ed25519PublicKey]) -> None:
    (records, leaves), key = whole
    last = records[-1]
    cut = (records[:-1], [leaf for leaf in leaves if leaf.seq < last.seq])
    assert verify_log(*cut, key) == []
    assert "no longer in the log" in verify_log(*cut, key, pinned=[(last.seq, last.sha256)])[0]


def test_another_key_is_refused(whole: tuple[Log, Ed25519PublicKey]) -> None:
    log, _ = whole
    problems = verify_log(*log, Ed25519PrivateKey.generate().public_key())
    assert len(problems) == len(log[0])


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE examples SET labels = '[\"dog\"]' WHERE id = 2", "Picture 2 was changed outside foveal: labels"),
        ("UPDATE codes SET code = zeroblob(192) WHERE id = 2", "Picture 2 was changed outside foveal: code_sha256"),
        ("DELETE FROM examples WHERE id = 2", "Picture 2 is gone"),
        ("DELETE FROM thumbnails WHERE id = 2", "Picture 2 has lost"),
        ("DELETE FROM records WHERE seq = 3", "no longer in the log"),
    ],
)
def test_changes_made_behind_its_back_are_found(tmp_path: Path, statement: str, expected: str) -> None:
    with fresh(tmp_path / "w", 3) as workspace:
        workspace.update_settings({"a": 1})
    with sqlite3.connect(tmp_path / "w" / "workspace.db") as connection:
        connection.execute(statement)
    connection.close()
    with Workspace.open(tmp_path / "w") as workspace:
        assert any(expected in problem for problem in workspace.problems()), workspace.problems()
