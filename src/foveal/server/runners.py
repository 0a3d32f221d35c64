"""What each kind of job does, step by step."""

import asyncio
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from foveal.core.errors import FovealError, InputError
from foveal.server.children import Child
from foveal.server.intake import Arrived, Intake, check_label
from foveal.server.jobs import Job, Runner, Tell
from foveal.server.state import State
from foveal.server.workspaces import Place, Workspaces
from foveal.workflows.reviewing import list_expired
from foveal.workflows.sources.listing import list_examples

AT_ONCE = 16  # pictures of a zip that are checked side by side
SIMPLE = ("relabel", "rename", "answer", "forget", "expire", "choose", "card", "check", "hand out")
KEPT = ("figures", "findings", "points", "why")


@final
class Runners:
    """The table of what jobs do."""

    def __init__(self, state: State, workspaces: Workspaces, intake: Intake) -> None:
        self._state, self._workspaces, self._intake = state, workspaces, intake

    def table(self) -> Mapping[str, Runner]:
        """Every kind of job."""
        return {
            "teach": self._teach,
            "index": self._teach,
            "measure": self._measure,
            "unpack": self._unpack,
            **dict.fromkeys(SIMPLE, self._simple),
        }

    def has_expired(self, place: Place, days: float) -> bool:
        """Whether pictures that were looked at have been kept long enough."""
        try:
            return bool(list_expired(place.folder, days))
        except FovealError:
            return False  # the job that forgets says what is wrong, once there is one

    async def _simple(self, job: Job, child: Child, tell: Tell) -> dict[str, Any]:
        place = self._workspaces.get(job.workspace)
        asked = {"task": job.kind, "folder": place.address, "kind": place.kind, **job.arguments}
        plain, _ = await child.ask(asked, tell=tell)
        if job.kind in ("relabel", "rename", "forget", "answer"):
            self._workspaces.keep_figures(place.name, "")  # they speak of pictures as they were
        return plain

    async def _teach(self, job: Job, child: Child, tell: Tell) -> dict[str, Any]:
        place = self._workspaces.get(job.workspace)
        table, last = await asyncio.to_thread(self._intake.write_table, place)
        asked = {
            "task": job.kind, "folder": place.address, "kind": place.kind, "table": str(table), "name": place.name,
            **job.arguments,
        }  # fmt: skip
        plain, _ = await child.ask(asked, tell=tell)
        self._intake.settle(place, last)
        self._keep_figures(place, plain)
        return plain

    async def _measure(self, job: Job, child: Child, tell: Tell) -> dict[str, Any]:
        place = self._workspaces.get(job.workspace, taught=True)
        plain, _ = await child.ask({"task": "measure", "folder": place.address, "kind": place.kind}, tell=tell)
        self._keep_figures(place, plain)
        return plain

    def _keep_figures(self, place: Place, plain: Mapping[str, Any]) -> None:
        kept = {name: plain[name] for name in KEPT if name in plain}
        if kept:
            self._workspaces.keep_figures(place.name, json.dumps(kept))

    async def _unpack(self, job: Job, child: Child, tell: Tell) -> dict[str, Any]:
        """Unpack a zip, check every picture in a child, and keep those with a label."""
        place = self._workspaces.get(job.workspace)
        zipped = Path(job.arguments["file"])
        into = zipped.parent / "opened"
        try:
            examples, skipped = await asyncio.to_thread(_list_zip, zipped, into)
            told: list[dict[str, Any]] = []
            for start in range(0, len(examples), AT_ONCE):
                part = examples[start : start + AT_ONCE]
                arrived = [_arrived(path, label, job.arguments["label"]) for path, label in part]
                told += await self._intake.take(job.who, place, arrived)
                tell("checking", min(start + AT_ONCE, len(examples)), len(examples))
        finally:
            await asyncio.to_thread(shutil.rmtree, zipped.parent, ignore_errors=True)
        refused = [{"name": one["name"], "reason": one["reason"]} for one in told if one["state"] == "refused"]
        refused += [{"name": name, "reason": reason} for name, reason in skipped]
        return {"staged": sum(one["state"] == "staged" for one in told), "refused": refused}


def _list_zip(zipped: Path, into: Path) -> tuple[list[tuple[Path, str]], tuple[tuple[str, str], ...]]:
    if not zipped.is_file():
        raise InputError("The zip is gone. Upload it again.")
    listing = list_examples(zipped, unpack_into=into)
    found = [(Path(example.path), example.labels[0] if example.labels else "") for example in listing.examples]
    return found, listing.skipped


def _arrived(path: Path, label: str, default: str) -> Arrived:
    try:
        return Arrived(path.name, check_label(label or default), path.read_bytes(), {})
    except OSError:
        return Arrived(path.name, default, b"", {})
