"""Folders and cameras that are watched, each by a child of its own, which is started again when it ends."""

import asyncio
import secrets
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, final

from foveal.core.errors import FovealError, InputError
from foveal.server.children import Child, Kind
from foveal.server.state import State
from foveal.server.workspaces import UnknownError, Workspaces
from foveal.store.journal import JOURNAL, Journal
from foveal.video.frames import hide_secrets, is_live
from foveal.workflows.report.plots import plot_trend
from foveal.workflows.trending import measure_trends

WATCHES = "watches"
PICTURE, HEAT = "latest.jpg", "latest-heat.jpg"  # of the newest picture, for people who look on
FIRST_WAIT_S, LAST_WAIT_S = 1.0, 60.0


@final
class Watches:
    """The watches of one server. Use from the event loop."""

    def __init__(self, state: State, workspaces: Workspaces, folder: Path) -> None:
        self._state, self._workspaces, self._folder = state, workspaces, folder / WATCHES
        self._running: dict[str, tuple[Child, asyncio.Task[None]]] = {}
        self.problems: dict[str, str] = {}

    async def resume(self) -> None:
        """Start those that ran when the server stopped."""
        for row in self._state.all("SELECT id FROM watches WHERE running = 1"):
            self._start(row["id"])

    def every(self, workspace: str = "") -> list[dict[str, Any]]:
        """All watches, or those of a workspace; addresses without passwords."""
        rows = self._state.all(
            "SELECT * FROM watches WHERE ? = '' OR workspace = ? ORDER BY name", workspace, workspace
        )
        return [
            {
                **row,
                "source": hide_secrets(row["source"]),
                "running": bool(row["running"]),
                "problem": self.problems.get(row["id"], ""),
            }
            for row in rows
        ]

    def add(self, who: str, workspace: str, source: str, name: str, every: float) -> str:
        """Begin to watch; raises InputError for what is no folder and no camera."""
        self._workspaces.get(workspace, "inspector", taught=True)
        if not is_live(source) and not Path(source).exists():
            raise InputError("That is no folder of this machine, and no address of a camera.")
        number = f"watch_{secrets.token_hex(6)}"
        with self._state.change(who, "add watch", workspace=workspace, watch=number) as connection:
            row = (number, workspace, source, name or Path(hide_secrets(source)).name, every)
            connection.execute("INSERT INTO watches VALUES (?, ?, ?, ?, ?, 1)", row)
        self._start(number)
        return number

    async def set_running(self, who: str, number: str, *, running: bool) -> None:
        """Stop a watch, or let it go on."""
        self._row(number)
        with self._state.change(who, "start watch" if running else "stop watch", watch=number) as connection:
            connection.execute("UPDATE watches SET running = ? WHERE id = ?", (int(running), number))
        if running:
            self._start(number)
        else:
            await self._end(number)

    async def delete(self, who: str, number: str) -> None:
        """End a watch for good; its journal is deleted once its child writes no more."""
        self._row(number)
        await self._end(number)
        with self._state.change(who, "delete watch", watch=number) as connection:
            connection.execute("DELETE FROM watches WHERE id = ?", (number,))
        await asyncio.to_thread(shutil.rmtree, self.journal(number), ignore_errors=True)

    def journal(self, number: str) -> Path:
        """The folder of a watch's journal."""
        return self._folder / number

    def _row(self, number: str) -> dict[str, Any]:
        row = self._state.one("SELECT * FROM watches WHERE id = ?", number)
        if row is None:
            raise UnknownError("There is no such watch.")
        return row

    # -- running ------------------------------------------------------------------------------------------

    def _start(self, number: str) -> None:
        if number not in self._running:
            child = Child(Kind("watch"))
            self._running[number] = child, asyncio.ensure_future(self._keep_going(number, child))

    async def _end(self, number: str) -> None:
        child, task = self._running.pop(number, (None, None))
        if task is not None and child is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await child.stop()

    async def stop_all(self) -> None:
        """End all children; what ran goes on at the next start."""
        for number in list(self._running):
            await self._end(number)

    async def _keep_going(self, number: str, child: Child) -> None:
        wait = FIRST_WAIT_S
        while True:
            row = self._row(number)
            place = self._workspaces.find(row["workspace"])
            if place is None:
                self.problems[number] = "Its workspace was deleted."
                return
            targets = self._state.all("SELECT kind, address, secret FROM targets")
            asked = {
                "task": "watch", "folder": place.address, "journal": str(self.journal(number)), "source": row["source"],
                "name": row["name"], "every": row["every"], "targets": targets,
            }  # fmt: skip
            self.journal(number).mkdir(parents=True, exist_ok=True)
            try:
                await child.start()
                self.problems.pop(number, None)
                await child.ask(asked, tell=lambda *_: None)
                wait = FIRST_WAIT_S
            except FovealError as problem:
                self.problems[number] = str(problem)
            await child.stop()
            await asyncio.sleep(wait)
            wait = min(LAST_WAIT_S, 2 * wait)

    # -- what was seen ------------------------------------------------------------------------------------

    def seen(self, number: str, most: int = 100) -> dict[str, Any]:
        """The newest verdicts, the trend, and the alerts nobody has answered."""
        self._row(number)
        folder = self.journal(number)
        if not (folder / JOURNAL).is_file():
            return {"seen": [], "alerts": [], "trend": "", "said": "", "has_picture": False}
        with Journal(folder) as journal:
            sightings = journal.recent(most)[::-1]
            alerts = [*journal.waiting(), *journal.unacknowledged()]
        trends = measure_trends(folder, 500)
        plot = plot_trend(trends[0].scores, trends[0].change) if trends and len(trends[0].scores) > 1 else ""
        return {
            "seen": [
                {"name": s.name, "time": s.time, "verdict": s.verdict, "score": s.score, "p_value": s.p_value}
                for s in sightings
            ],
            "alerts": [_plain(asdict(alert)) for alert in alerts if alert.acknowledged is None],
            "trend": plot,
            "said": str(trends[0]) if trends else "",
            "has_picture": (folder / PICTURE).is_file(),
        }

    def evidence(self, number: str, alert: int) -> bytes | None:
        """The picture of an alert."""
        self._row(number)
        with Journal(self.journal(number)) as journal:
            found = [one for one in (*journal.waiting(), *journal.unacknowledged()) if one.id == alert]
        path = Path(found[0].evidence) if found and found[0].evidence else None
        return path.read_bytes() if path is not None and path.is_file() else None

    def latest(self, number: str, *, heat: bool) -> bytes | None:
        """The newest picture, or the same with what differs warm; None before the first."""
        self._row(number)
        path = self.journal(number) / (HEAT if heat else PICTURE)
        return path.read_bytes() if path.is_file() else None

    def acknowledge(self, who: str, number: str, alerts: Sequence[int], now: float) -> int:
        """Note that somebody has seen alerts; returns how many."""
        self._row(number)
        with Journal(self.journal(number)) as journal:
            n = journal.acknowledge(now, list(alerts))
        with self._state.change(who, "acknowledge", watch=number, alerts=list(alerts)):
            return n


def _plain(alert: dict[str, Any]) -> dict[str, Any]:
    kept = {name: alert[name] for name in ("id", "text", "created", "repeats", "level", "sent")}
    return {**kept, "has_picture": bool(alert["evidence"])}
