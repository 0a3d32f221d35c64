"""The workspaces that one server serves, by name."""

import re
import shutil
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from foveal.core.errors import InputError
from foveal.core.gallery import GALLERY
from foveal.core.inspection import is_inspector
from foveal.recognizers.decision import NOT
from foveal.server.state import State
from foveal.store.database import DATABASE
from foveal.store.rows import ExampleRow
from foveal.store.workspace import Workspace
from foveal.workflows.finding.gallery import is_server

KINDS = ("classes", "inspector", "gallery")
FOLDER = "workspaces"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")


class UnknownError(InputError):
    """There is nothing of that name."""


class UntaughtError(InputError):
    """Nothing was taught yet."""


@dataclass(frozen=True)
class Place:
    """A workspace: where it is and what it is for. `address` is a folder, or of a gallery perhaps a server."""

    name: str
    kind: str
    address: str

    @property
    def folder(self) -> Path:
        """Its folder."""
        return Path(self.address)

    @property
    def is_remote(self) -> bool:
        """Whether it is on a database server."""
        return is_server(self.address)

    @property
    def is_taught(self) -> bool:
        """Whether there is anything to answer with."""
        return self.is_remote or (self.folder / DATABASE).is_file()


@final
class Workspaces:
    """Which workspaces there are. Safe to use from several threads."""

    def __init__(self, state: State, home: Path) -> None:
        """Take in the workspace that `home` itself is, where it is one."""
        self._state, self._home = state, home
        self._summaries: dict[str, tuple[tuple[int, int], dict[str, Any]]] = {}
        self._lock = threading.Lock()
        if (home / DATABASE).is_file() and not self.find("main"):
            self._keep("setup", Place("main", _kind_of(home), "."))

    def every(self) -> list[Place]:
        """All, by name."""
        rows = self._state.all("SELECT name, kind, path FROM workspaces ORDER BY name")
        return [self._place(row) for row in rows]

    def find(self, name: str) -> Place | None:
        """The one of a name, None where there is none."""
        row = self._state.one("SELECT name, kind, path FROM workspaces WHERE name = ?", name)
        return self._place(row) if row else None

    def get(self, name: str, *kinds: str, taught: bool = False) -> Place:
        """The one of a name and of one of these kinds.

        Raises UnknownError where there is none, InputError for another kind, UntaughtError where it is empty.
        """
        place = self.find(name)
        if place is None:
            raise UnknownError(f"There is no workspace {name}.")
        if kinds and place.kind not in kinds:
            raise UntaughtError(f"{name} is a workspace of {place.kind}; this is for {' and '.join(kinds)}.")
        if taught and not place.is_taught:
            raise UntaughtError(f"Nothing was taught to {name} yet.")
        return place

    def _place(self, row: dict[str, Any]) -> Place:
        remote = is_server(row["path"])
        return Place(row["name"], row["kind"], row["path"] if remote else str((self._home / row["path"]).absolute()))

    def create(self, who: str, name: str, kind: str, address: str = "") -> Place:
        """Make an empty one; raises InputError for a name that is taken or not allowed."""
        if not _NAME.fullmatch(name):
            raise InputError("A name has 1 to 48 small letters, digits or -, and begins with a letter or digit.")
        if kind not in KINDS:
            raise InputError(f"A workspace is of one of the kinds {', '.join(KINDS)}, got {kind!r}.")
        if self.find(name):
            raise InputError(f"There is a workspace {name} already.")
        if address and not (kind == "gallery" and is_server(address)):
            raise InputError("Only a gallery may be on a server: postgresql://... or qdrant://...")
        self._keep(who, Place(name, kind, address or f"{FOLDER}/{name}"))
        return self.get(name)

    def _keep(self, who: str, place: Place) -> None:
        with self._state.change(who, "add workspace", workspace=place.name, kind=place.kind) as connection:
            connection.execute(
                "INSERT INTO workspaces (name, kind, path, created) VALUES (?, ?, ?, ?)",
                (place.name, place.kind, place.address, time.time()),
            )

    def delete(self, who: str, name: str) -> None:
        """Delete one with everything in it; one that was here before the server is only let go of."""
        place = self.get(name)
        with self._state.change(who, "delete workspace", workspace=name) as connection:
            for table, column in (("staged", "workspace"), ("settled", "workspace"), ("workspaces", "name")):
                connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (name,))
        own = self._home / FOLDER / name
        if not place.is_remote and own.is_dir() and own.absolute() == place.folder:
            shutil.rmtree(own)

    # -- what is in them ----------------------------------------------------------------------------------

    def summarize(self, place: Place) -> dict[str, Any]:
        """Name, kind, number of pictures, and of each class how many."""
        plain: dict[str, Any] = {"name": place.name, "kind": place.kind, "taught": place.is_taught}
        staged = self._state.one("SELECT count(*) AS n FROM staged WHERE workspace = ?", place.name)
        plain["staged"] = staged["n"] if staged else 0
        if place.is_remote or not place.is_taught:
            return plain | {"pictures": 0, "classes": {}, "items": 0}
        return plain | self._count(place)

    def _count(self, place: Place) -> dict[str, Any]:
        files = [place.folder / DATABASE, place.folder / f"{DATABASE}-wal"]
        stats = [file.stat() for file in files if file.exists()]
        stamp = (sum(s.st_mtime_ns for s in stats), sum(s.st_size for s in stats))
        with self._lock:
            known = self._summaries.get(place.address)
        if known is None or known[0] != stamp:
            with Workspace.open(place.folder) as workspace:
                rows = workspace.rows()
            counts = Counter(label for row in rows for label in row.labels if not label.startswith(NOT))
            items = len({row.group for row in rows}) if place.kind == "gallery" else 0
            known = stamp, {"pictures": len(rows), "classes": dict(sorted(counts.items())), "items": items}
            with self._lock:
                self._summaries[place.address] = known
        return known[1]

    def rows(self, place: Place) -> list[ExampleRow]:
        """The taught pictures, by number."""
        if not place.is_taught:
            return []
        with Workspace.open(place.folder) as workspace:
            return workspace.rows()

    def keep_figures(self, name: str, figures: str) -> None:
        """Keep what was measured last."""
        with self._state.note() as connection:
            connection.execute("UPDATE workspaces SET figures = ? WHERE name = ?", (figures, name))

    def figures(self, name: str) -> str | None:
        """What was measured last, as JSON."""
        row = self._state.one("SELECT figures FROM workspaces WHERE name = ?", name)
        return row["figures"] if row else None


def _kind_of(folder: Path) -> str:
    with Workspace.open(folder) as workspace:
        settings = workspace.settings
    if settings.get("kind") == GALLERY:
        return "gallery"
    return "inspector" if is_inspector(settings) else "classes"
