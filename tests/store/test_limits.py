"""A full disk and a folder without permission: a clear error, nothing lost, and it goes on once there is room."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from foveal.core.errors import StoreError
from foveal.store.workspace import Workspace
from tests.store.kept import fresh, new_example

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="limits of the operating system are set the POSIX way")


def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own with the tests importable."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


FILL = """
import resource, sys
from foveal.core.errors import StoreError
from foveal.store.workspace import Workspace
from tests.store.kept import new_example
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Workspace.open(sys.argv[1], writing=True) as workspace:
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
    for batch in range(100):
        try:
            print(*workspace.add([new_example(1000 + 20 * batch + i) for i in range(20)]), flush=True)
        except StoreError as problem:
            print("refused:", problem, file=sys.stderr)
            assert len(workspace) == len(workspace.rows())
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            print(*workspace.add([new_example(5)]), flush=True)
            break
"""


@posix
def test_no_room_for_a_file_loses_nothing(tmp_path: Path) -> None:
    fresh(tmp_path / "w", 5).close()
    done = run(FILL, str(tmp_path / "w"))
    assert "refused: Teaching in the workspace" in done.stderr and "free some space" in done.stderr, done.stderr
    acknowledged = [int(word) for word in done.stdout.split()]
    assert len(acknowledged) > 20 and len(acknowledged) % 20 == 1
    with Workspace.open(tmp_path / "w", writing=True) as workspace:
        assert [row.id for row in workspace.rows()] == [*range(1, 6), *acknowledged]
        assert workspace.problems() == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", place], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("mounting a small file system needs more rights than this process has")
    yield place
    subprocess.run(["umount", place], check=True)


@posix
def test_a_full_disk_loses_nothing_and_forgetting_goes_on_once_there_is_room(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\0" * 2_500_000)
    workspace = fresh(small_disk / "w")
    acknowledged: list[int] = []
    with workspace, pytest.raises(StoreError, match="no room left on the disk"):
        for batch in range(100):
            acknowledged += workspace.add([new_example(20 * batch + i) for i in range(20)])
    assert len(acknowledged) >= 20
    ballast.unlink()
    with Workspace.open(small_disk / "w", writing=True) as workspace:
        assert [row.id for row in workspace.rows()] == acknowledged and workspace.problems() == []
        ballast.write_bytes(b"\0" * (_free(small_disk) - 400_000))
        with pytest.raises(StoreError, match="next opening for writing"):
            workspace.erase(acknowledged[-5:], asked="group", memory_sha256="x")
    ballast.unlink()
    with Workspace.open(small_disk / "w", writing=True) as workspace:
        assert len(list((small_disk / "w" / "certificates").iterdir())) == 1
        workspace.add([new_example(7)])
        assert len(workspace) == len(acknowledged) - 4 and workspace.problems() == []


def _free(folder: Path) -> int:
    figures = os.statvfs(folder)
    return figures.f_bavail * figures.f_frsize


AS_NOBODY = """
import os, sys
from foveal.core.errors import StoreError
from foveal.store.workspace import Workspace
if os.getuid() == 0:
    os.setuid(65534)
with Workspace.open(sys.argv[1]) as workspace:
    print(len(workspace), len(workspace.codes([1, 2])), workspace.problems())
try:
    Workspace.open(sys.argv[1], writing=True)
except StoreError as problem:
    print(problem)
"""


@posix
def test_a_read_only_folder_can_be_read(tmp_path: Path) -> None:
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    fresh(tmp_path / "w", 3).close()
    for path in (tmp_path / "w", *(tmp_path / "w").rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    done = run(AS_NOBODY, str(tmp_path / "w"))
    (tmp_path / "w").chmod(0o755)
    assert done.returncode == 0, done.stderr
    read, refused = done.stdout.splitlines()
    assert read == "3 2 []"
    assert "Make the folder writable" in refused
    assert sorted(path.name for path in (tmp_path / "w").iterdir()) == ["keys", "lock", "workspace.db"]
