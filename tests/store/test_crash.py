"""kill -9 at random moments: the workspace opens, all that was acknowledged is there, nothing is half-done."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from foveal.store.workspace import Workspace
from tests.store.kept import fresh, new_example

MOMENTS = 20
BATCH = 3
ROOT = Path(__file__).parents[2]
# Says what it is about to do, does it, says that it is done; the parent kills it at some point.
CHILD = """
import sys
from foveal.store.workspace import Workspace
from tests.store.kept import new_example
number = int(sys.argv[2])
with Workspace.open(sys.argv[1], writing=True) as workspace:
    print("ready", flush=True)
    while True:
        batch = [new_example(number + i) for i in range(3)]
        print("adding", number, flush=True)
        ids = workspace.add(batch, memory_sha256=f"a{number}")
        print("added", number, flush=True)
        if number % 2:
            print("erasing", number, flush=True)
            erased = workspace.erase(ids[:1], asked="picture", memory_sha256=f"e{number}")
            workspace.model_path.write_bytes(b"derived")
            print("erased", number, flush=True)
            workspace.certify(erased)
        number += 3
"""


def run_and_kill(folder: Path, first: int, delay: float) -> list[tuple[str, int]]:
    """Start the child, kill it after `delay` seconds of work, and return the lines it finished."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-c", CHILD, str(folder), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        if child.stdout is None:
            pytest.fail("the child has no output")
        assert child.stdout.readline() == "ready\n"
        time.sleep(delay)
        child.kill()
        lines = child.stdout.read().split("\n")[:-1]
    return [(line.split()[0], int(line.split()[1])) for line in lines]


def check(workspace: Workspace, said: list[tuple[str, int]]) -> None:
    """Compare what is kept with what the children said they began and finished."""
    kept = {row.name for row in workspace.rows()}
    done = set(said)
    for doing, number in said:
        names = [new_example(number + place).example.name for place in range(BATCH)]
        present = [name in kept for name in names]
        if doing == "adding":
            assert present[1] == present[2], "a batch is there in part"
            assert present[1] or ("added", number) not in done, "an acknowledged batch is lost"
            assert present[0] == present[1] or ("erasing", number) in done
        if doing == "erased":
            assert not present[0], "an acknowledged erasure came back"
    for row, codes in zip(workspace.rows(), workspace.codes([row.id for row in workspace.rows()]), strict=True):
        number = int(row.name.split()[1])
        assert np.array_equal(codes, new_example(number).code)
        assert workspace.thumbnail(row.id) == new_example(number).thumbnail
    assert workspace.problems() == []


def test_kill_at_random_moments(tmp_path: Path) -> None:
    fresh(tmp_path / "w").close()
    chance = random.Random(7)
    said: list[tuple[str, int]] = []
    for _ in range(MOMENTS):
        first = max((number for _, number in said), default=-BATCH) + BATCH
        said += run_and_kill(tmp_path / "w", first, chance.uniform(0, 0.3))
        with Workspace.open(tmp_path / "w", writing=True) as workspace:
            check(workspace, said)
            gone = [new_example(number).example.name for doing, number in said if doing == "erased"]
            files = b"".join(f.read_bytes() for f in (tmp_path / "w").rglob("*") if f.is_file())
            assert [name for name in gone if name.encode() in files] == []
    finished = {doing: sum(word == doing for word, _ in said) for doing, _ in said}
    assert finished["added"] > MOMENTS and finished.get("erased", 0) > 3, "too little happened to prove anything"


def test_the_check_sees_a_half_done_batch(tmp_path: Path) -> None:
    """The seeded fault: a writer that does not use one transaction for a batch."""
    with fresh(tmp_path / "w") as workspace:
        workspace.add([new_example(0), new_example(1)])
        with pytest.raises(AssertionError, match="in part"):
            check(workspace, [("adding", 0)])
        with pytest.raises(AssertionError, match="lost"):
            check(workspace, [("adding", 30), ("added", 30)])
