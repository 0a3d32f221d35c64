"""What goes into a workspace comes out, one writer at a time, and damage is named."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foveal.core.errors import BusyError, InputError, StoreError
from foveal.store import database
from foveal.store.rows import NewExample
from foveal.store.workspace import Workspace
from tests.store.kept import DIM, fresh, new_example


def test_everything_given_comes_back_after_closing(tmp_path: Path) -> None:
    records = [new_example(1, subject="Anna", group="g1", labels=("cat", "tabby")), new_example(2, labels=())]
    with fresh(tmp_path / "w s ü") as workspace:
        ids = workspace.add(records, unreadable=[("broken.jpg", "not an image")], settings={"classes": ["cat"]})
    with Workspace.open(tmp_path / "w s ü") as workspace:
        first, second = workspace.rows()
        measures = workspace.measures()
        codes = workspace.codes(ids[::-1])
        assert workspace.settings == {"kind": "single", "classes": ["cat"]}
        assert workspace.unreadable() == {"broken.jpg": "not an image"}
        assert [workspace.thumbnail(number) for number in ids] == [record.thumbnail for record in records]
        assert len(workspace) == 2
    assert (first.id, first.name, first.path) == (ids[0], records[0].example.name, records[0].example.path)
    assert (first.labels, first.subject, first.group, first.split) == (("cat", "tabby"), "Anna", "g1", "train")
    assert (second.labels, second.group, second.sha256) == ((), None, records[1].capture.sha256)
    assert measures[0].capture == records[0].capture and measures[1].appearance == records[1].appearance
    assert np.array_equal(codes, [records[1].code, records[0].code]) and codes.dtype == np.int16


def test_the_group_of_the_file_is_kept_where_the_user_names_none(tmp_path: Path) -> None:
    record = new_example(1)
    patient = replace(record, capture=replace(record.capture, group="patient-7"))
    with fresh(tmp_path / "w") as workspace:
        workspace.add([patient])
        assert workspace.rows()[0].group == "patient-7"


def test_code_blocks_follow_the_order_asked_for(tmp_path: Path) -> None:
    with fresh(tmp_path / "w", 10) as workspace:
        wanted = [7, 3, 3, 10, 1]
        blocks = list(workspace.code_blocks(wanted, rows=2))
        every = list(workspace.code_blocks(rows=4))
    assert [len(ids) for ids, _ in blocks] == [2, 2, 1]
    assert np.concatenate([ids for ids, _ in blocks]).tolist() == wanted
    expected = [new_example(number - 1).code for number in wanted]
    assert np.array_equal(np.concatenate([codes for _, codes in blocks]), expected)
    assert np.concatenate([ids for ids, _ in every]).tolist() == list(range(1, 11))


def test_an_empty_workspace_has_no_codes(tmp_path: Path) -> None:
    with fresh(tmp_path / "w") as workspace:
        assert workspace.rows() == [] and workspace.codes([]).shape == (0, 0) and list(workspace.code_blocks()) == []


def test_asking_for_a_forgotten_picture_is_an_error(tmp_path: Path) -> None:
    with fresh(tmp_path / "w", 3) as workspace:
        with pytest.raises(StoreError, match="1 of 2 pictures are no longer kept"):
            workspace.codes([1, 99])
        with pytest.raises(StoreError):
            workspace.thumbnail(99)


def test_labels_and_groups_change_and_are_logged(tmp_path: Path) -> None:
    with fresh(tmp_path / "w", 4) as workspace:
        workspace.relabel([2, 3], [["dog"], []], not_labels=[[], ["cat"]], memory_sha256="m2")
        workspace.set_groups({1: "burst", 4: None})
        rows = workspace.rows()
        records, _ = workspace.log()
        assert [row.labels for row in rows] == [("cat",), ("dog",), (), ("cat",)]
        assert rows[2].not_labels == ("cat",) and rows[0].group == "burst"
        assert [record.kind for record in records] == ["create", "teach", "correct", "group"]
        assert [record.memory_sha256 for record in records] == ["", "before", "m2", ""]
        assert workspace.problems() == []


def test_find_tells_which_files_are_known(tmp_path: Path) -> None:
    odd = "caf\udce9 \U0001f431.jpg"  # a byte that is not UTF-8, as old disks have it
    with fresh(tmp_path / "w", 3) as workspace:
        workspace.add([new_example(9, name=odd, subject="Anna", group="g"), new_example(10, group="g")])
        assert workspace.find("name", [odd, "other.jpg"]) == {odd: [4]}
        assert workspace.find("group", ["g"]) == {"g": [4, 5]}
        assert workspace.find("subject", ["Anna", "Bob"]) == {"Anna": [4]}
        assert workspace.find("sha256", [new_example(1).capture.sha256]) == {new_example(1).capture.sha256: [2]}
        with pytest.raises(InputError, match="subject"):
            workspace.find("colour", ["red"])
        assert workspace.problems() == []


@pytest.mark.parametrize(
    "break_it",
    [
        lambda w: w.add([new_example(1), _with_code(new_example(2), DIM + 1)]),
        lambda w: w.add([new_example(1), _with_code(new_example(2), DIM, np.float32)]),
        lambda w: w.relabel([1, 99], [["a"], ["b"]]),
        lambda w: w.relabel([1, 2], [["a"]]),
        lambda w: w.set_groups({1: "a", 99: "b"}),
        lambda w: w.update_settings({"_head": 1}),
        lambda w: w.erase([1, 99], asked="picture", memory_sha256=""),
        lambda w: w.erase([], asked="picture", memory_sha256=""),
        lambda w: w.erase([1], asked="whim", memory_sha256=""),
    ],
)
def test_a_refused_change_changes_nothing(tmp_path: Path, break_it: Callable[[Workspace], object]) -> None:
    with fresh(tmp_path / "w", 2) as workspace:
        before = (workspace.rows(), workspace.log(), workspace.settings)
        with pytest.raises(InputError):
            break_it(workspace)
        assert (workspace.rows(), workspace.log(), workspace.settings) == before


def _with_code(record: NewExample, length: int, dtype: Any = np.int16) -> NewExample:
    return replace(record, code=np.zeros(length, dtype=dtype))


def test_a_second_writer_is_told_who_holds_the_workspace(tmp_path: Path) -> None:
    with fresh(tmp_path / "w", 2):
        code = f"from foveal.store.workspace import Workspace; Workspace.open({str(tmp_path / 'w')!r}, writing=True)"
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "BusyError" in other.stderr and f"process {os.getpid()}" in other.stderr
        with pytest.raises(BusyError):
            Workspace.create(tmp_path / "w", {})
    with Workspace.open(tmp_path / "w", writing=True) as workspace:
        assert len(workspace.add([new_example(5)])) == 1


def test_a_reader_is_not_blocked_by_a_writer(tmp_path: Path) -> None:
    with fresh(tmp_path / "w", 2) as writer, Workspace.open(tmp_path / "w") as reader:
        assert len(reader) == 2
        writer.add([new_example(5)])
        assert len(reader) == 3
        with pytest.raises(StoreError, match="writing=True"):
            reader.add([new_example(6)])
        with pytest.raises(StoreError, match="writing=True"):
            reader.erase([1], asked="picture", memory_sha256="")


def test_an_existing_workspace_is_not_created_over(tmp_path: Path) -> None:
    fresh(tmp_path / "w", 2).close()
    with pytest.raises(StoreError, match="holds a workspace already"):
        Workspace.create(tmp_path / "w", {})
    with Workspace.open(tmp_path / "w") as workspace:
        assert len(workspace) == 2


def test_a_creation_cut_short_can_be_repeated(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    sqlite3.connect(tmp_path / "w" / database.DATABASE).close()
    (tmp_path / "w" / database.DATABASE).touch()
    with pytest.raises(StoreError, match="never finished"):
        Workspace.open(tmp_path / "w")
    with fresh(tmp_path / "w", 1) as workspace:
        assert len(workspace) == 1


def test_what_is_not_a_workspace_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Teach into it first"):
        Workspace.open(tmp_path)
    file = tmp_path / database.DATABASE
    file.write_bytes(b"this is no database at all, whatever its name says" * 20)
    with pytest.raises(StoreError, match="damaged or not a database"):
        Workspace.open(tmp_path)
    file.unlink()
    with sqlite3.connect(file) as foreign:
        foreign.execute("CREATE TABLE theirs (x)")
    foreign.close()
    with pytest.raises(StoreError, match="not one of foveal's"):
        Workspace.open(tmp_path)


def test_damaged_pages_are_an_error_with_advice(tmp_path: Path) -> None:
    fresh(tmp_path / "w", 40).close()
    file = tmp_path / "w" / database.DATABASE
    whole = file.read_bytes()
    file.write_bytes(whole[:8192] + b"\xaa" * (len(whole) - 8192))
    with pytest.raises(StoreError, match="Restore it from a backup"), Workspace.open(tmp_path / "w") as workspace:
        workspace.rows()


def test_a_newer_format_is_refused_and_an_older_one_migrated(tmp_path: Path) -> None:
    fresh(tmp_path / "w", 2).close()
    with sqlite3.connect(tmp_path / "w" / database.DATABASE) as connection:
        connection.execute(f"PRAGMA user_version = {database.FORMAT + 1}")
    connection.close()
    for writing in (False, True):
        with pytest.raises(StoreError, match="Upgrade foveal"):
            Workspace.open(tmp_path / "w", writing=writing)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE old (x)")
    steps = {1: lambda c: c.execute("ALTER TABLE old ADD COLUMN y"), 2: lambda c: c.execute("DROP TABLE old")}
    with pytest.raises(StoreError, match="format 0"):
        database.migrate(connection, 0, migrations=steps, target=3)
    assert not database.is_blank(connection)
    database.migrate(connection, 1, migrations=steps, target=3)
    assert database.is_blank(connection) and connection.execute("PRAGMA user_version").fetchone() == (3,)


def test_keys_missing_or_of_another_workspace_stop_writing_not_reading(tmp_path: Path) -> None:
    fresh(tmp_path / "w", 2).close()
    fresh(tmp_path / "other").close()
    key = tmp_path / "w" / "keys" / "private.pem"
    assert key.stat().st_mode & 0o077 == 0 or sys.platform == "win32"
    key.write_bytes((tmp_path / "other" / "keys" / "private.pem").read_bytes())
    with pytest.raises(StoreError, match="keys of another workspace"):
        Workspace.open(tmp_path / "w", writing=True)
    key.unlink()
    with pytest.raises(StoreError, match="signing key"):
        Workspace.open(tmp_path / "w", writing=True)
    with Workspace.open(tmp_path / "w") as workspace:
        assert len(workspace) == 2 and workspace.problems() == []


def test_a_workspace_of_format_1_gets_the_tables_of_galleries(tmp_path: Path) -> None:
    fresh(tmp_path / "w", 3).close()
    with sqlite3.connect(tmp_path / "w" / database.DATABASE) as connection:
        for name in ("vectors", "items"):
            connection.execute(f"DROP TABLE {name}")
        connection.execute("DROP INDEX examples_of_group")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    with pytest.raises(StoreError, match="old format 1"):
        Workspace.open(tmp_path / "w")
    with Workspace.open(tmp_path / "w", writing=True) as workspace:
        assert len(workspace) == 3 and workspace.problems() == []
        workspace.certify(workspace.erase([2], asked="picture", memory_sha256="without"))
    with Workspace.open(tmp_path / "w") as workspace:
        assert len(workspace) == 2 and workspace.problems() == []
