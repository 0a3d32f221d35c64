"""Pictures on their way in: checked in another process, kept without their metadata, and told what became of each."""

import asyncio
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, final

from foveal.core.errors import InputError
from foveal.core.hashing import hash_bytes
from foveal.recognizers.decision import NOT
from foveal.server.children import Pool
from foveal.server.options import Limits
from foveal.server.state import State
from foveal.server.workspaces import Place
from foveal.store.files import write_aside
from foveal.store.workspace import Workspace
from foveal.workflows.sources.archive import UNPACKED

UPLOADS = "uploads"
TABLE = "pictures.jsonl"
LONGEST = 100
_CONTROL = re.compile(r"[\x00-\x1f\x7f/\\]")


@dataclass(frozen=True)
class Arrived:
    """One file as it came: its name, what it is said to show, further columns, and its bytes."""

    name: str
    label: str
    data: bytes
    columns: dict[str, Any]


def check_label(text: str) -> str:
    """A label that can be a folder's name; raises InputError for any other."""
    label = " ".join(text.split())
    if not label or len(label) > LONGEST or _CONTROL.search(label) or label.startswith((".", "{", "[", NOT)):
        raise InputError(
            f"A class is named by 1 to {LONGEST} signs without / and \\, and does not begin with a dot or a bracket."
        )
    return label


def tidy_name(text: str) -> str:
    r"""The last part of a path, fit to be a file's name.

    >>> tidy_name("../../etc/pass\nwd"), tidy_name("C:\\a\\b.jpg"), tidy_name("..")
    ('passwd', 'b.jpg', 'picture')
    """
    name = PurePosixPath(text.replace("\\", "/")).name
    name = _CONTROL.sub("", name).strip().lstrip(".")
    stem, dot, suffix = name.rpartition(".")
    return f"{stem[:80]}.{suffix[:10]}" if dot and stem else name[:90] or "picture"


@final
class Intake:
    """Takes pictures in for workspaces. Use from the event loop."""

    def __init__(self, state: State, pool: Pool, limits: Limits, at_once: int) -> None:
        """Check so many pictures side by side, however many are sent: those who look must not wait behind them all."""
        self._state, self._pool, self._limits = state, pool, limits
        self._turn = asyncio.Semaphore(at_once)
        self._locks: dict[str, asyncio.Lock] = {}

    async def take(self, who: str, place: Place, arrived: Sequence[Arrived]) -> list[dict[str, Any]]:
        """Check and keep files; tells of each what became of it: "staged", "known" or "refused" with the reason.

        When it has returned, what is staged is on the disk.
        """
        told = await asyncio.gather(*(self._check(one) for one in arrived))
        checked = [(one, *facts) for one, facts in zip(arrived, told, strict=True) if not isinstance(facts, str)]
        lock = self._locks.setdefault(place.name, asyncio.Lock())
        async with lock:
            rows = iter(await asyncio.to_thread(self._keep, who, place, checked))
        return [
            {"name": one.name, "state": "refused", "reason": facts} if isinstance(facts, str) else next(rows)
            for one, facts in zip(arrived, told, strict=True)
        ]

    async def _check(self, one: Arrived) -> tuple[dict[str, Any], list[bytes]] | str:
        if len(one.data) > self._limits.picture_bytes:
            return f"It is larger than {self._limits.picture_bytes >> 20} MiB."
        asked = {
            "task": "check",
            "origin": tidy_name(one.name),
            "max_pixels": self._limits.pixels,
            "max_bytes": self._limits.picture_bytes,
            "keep_metadata": bool(self._state.choice("keep_metadata", False)),
        }
        async with self._turn:
            try:
                return await self._pool.ask(asked, [one.data])
            except InputError as problem:
                return str(problem)

    def _keep(
        self, who: str, place: Place, checked: Sequence[tuple[Arrived, dict[str, Any], list[bytes]]]
    ) -> list[dict[str, Any]]:
        root = place.folder / UNPACKED / UPLOADS
        results, rows = [], []
        for one, facts, (data, thumbnail) in checked:
            digest = hash_bytes(data)
            name, known = _free_name(root, one.label, tidy_name(one.name), digest)
            row = self._state.one("SELECT id FROM staged WHERE workspace = ? AND name = ?", place.name, name)
            if not known:
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                write_aside(path, [data])
            if known and row is None and self._is_taught(place, root / name):
                results.append({"name": one.name, "state": "known", "label": one.label})
                continue
            if row is None:
                told = json.dumps({**facts, "columns": one.columns})
                rows.append((place.name, name, one.label, digest, told, thumbnail, time.time()))
            results.append({"name": one.name, "state": "staged", "label": one.label, **facts})
        if rows:
            with self._state.change(who, "upload", workspace=place.name, pictures=len(rows)) as connection:
                connection.executemany(
                    "INSERT OR IGNORE INTO staged (workspace, name, label, sha256, facts, thumbnail, time) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    rows,
                )
        return results

    @staticmethod
    def _is_taught(place: Place, path: Path) -> bool:
        if not place.is_taught:
            return False
        with Workspace.open(place.folder) as workspace:
            return bool(workspace.find("path", [str(path.absolute())]))

    # -- what is staged -----------------------------------------------------------------------------------

    def staged(self, place: Place, *, after: int = 0, most: int = 1000) -> list[dict[str, Any]]:
        """Pictures that wait to be taught, oldest first."""
        rows = self._state.all(
            "SELECT id, name, label, facts FROM staged WHERE workspace = ? AND id > ? ORDER BY id LIMIT ?",
            place.name,
            after,
            most,
        )
        return [{**row, "facts": json.loads(row["facts"])} for row in rows]

    def thumbnail(self, place: Place, number: int) -> bytes | None:
        """The small JPEG of a staged picture."""
        row = self._state.one("SELECT thumbnail FROM staged WHERE workspace = ? AND id = ?", place.name, number)
        return row["thumbnail"] if row else None

    def drop(self, who: str, place: Place, numbers: Sequence[int]) -> int:
        """Take staged pictures away again; returns how many."""
        marks = ",".join("?" * len(numbers))
        rows = self._state.all(
            f"SELECT id, name FROM staged WHERE workspace = ? AND id IN ({marks})", place.name, *numbers
        )
        for row in rows:
            (place.folder / UNPACKED / UPLOADS / row["name"]).unlink(missing_ok=True)
        if rows:
            with self._state.change(who, "drop upload", workspace=place.name, pictures=len(rows)) as connection:
                connection.executemany("DELETE FROM staged WHERE id = ?", [(row["id"],) for row in rows])
        return len(rows)

    def write_table(self, place: Place) -> tuple[Path, int]:
        """The table that teaching reads, and the number of the last picture in it; raises InputError for nothing."""
        rows = self.staged(place, most=1_000_000)
        if not rows:
            raise InputError("No pictures wait to be taught. Upload some first.")
        root = place.folder / UNPACKED / UPLOADS
        lines = []
        for row in rows:
            columns = row["facts"].get("columns", {})
            named = {"category": row["label"]} if place.kind == "gallery" else {"label": row["label"]}
            lines.append(json.dumps({"path": row["name"], **named, **columns}, ensure_ascii=False))
        path = root / TABLE
        write_aside(path, [("\n".join(lines) + "\n").encode()])
        return path, rows[-1]["id"]

    def settle(self, place: Place, last: int) -> None:
        """Note that pictures up to this number are taught."""
        with self._state.note() as connection:
            connection.execute("DELETE FROM staged WHERE workspace = ? AND id <= ?", (place.name, last))


def _free_name(root: Path, label: str, name: str, digest: str) -> tuple[str, bool]:
    """Where a file goes, and whether that very file is there already."""
    stem, dot, suffix = name.rpartition(".")
    for number in range(1, 10_000):
        tried = name if number == 1 else f"{stem} ({number}).{suffix}" if dot else f"{name} ({number})"
        path = root / label / tried
        if not path.exists():
            return f"{label}/{tried}", False
        if hash_bytes(path.read_bytes()) == digest:
            return f"{label}/{tried}", True
    raise InputError(f"There are too many files called {name}.")
