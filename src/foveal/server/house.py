"""Everything that one running server is made of, and how it starts and stops."""

import asyncio
import secrets
import time
from contextlib import suppress
from typing import Any, final

from foveal.core.errors import FovealError
from foveal.server.accounts import Accounts
from foveal.server.children import Child, Kind, Pool
from foveal.server.counting import Counters
from foveal.server.intake import Intake
from foveal.server.jobs import Jobs
from foveal.server.options import Options
from foveal.server.runners import Runners
from foveal.server.state import State
from foveal.server.watches import Watches
from foveal.server.workspaces import Place, Workspaces
from foveal.workflows.telling import WebhookNotifier

SERVER = "server"  # the folder of the server's own records
EXPIRE_EVERY_S = 3600.0
MOST_WARMED = 8
LOOKED_DAYS = 30.0  # pictures looked at on the page are kept, unless the administrator says otherwise


@final
class House:
    """The parts of one server. Use from the event loop."""

    def __init__(self, options: Options) -> None:
        """Open the records; raises BusyError while another server holds them."""
        self.options = options
        self.state = State.open(options.folder / SERVER)
        self.counters = Counters()
        self.accounts = Accounts(self.state)
        self.workspaces = Workspaces(self.state, options.folder)
        limits = options.limits
        kind = Kind("look", memory=limits.child_memory)
        self.pool = Pool(kind, options.children, seconds=limits.seconds, most_waiting=limits.waiting)
        self.intake = Intake(self.state, self.pool, limits, options.children)
        self.runners = Runners(self.state, self.workspaces, self.intake)
        self.jobs = Jobs(self.state, Child(Kind("work", threads=options.children)), self.runners.table())
        self.jobs.ended = self._on_ended
        self.watches = Watches(self.state, self.workspaces, options.folder / SERVER)
        self._tasks: set[asyncio.Task[Any]] = set()
        self.counters.gauges["foveal_looks_waiting"] = ("Pictures waiting for a process.", lambda: self.pool.n_waiting)

    def first_password(self, given: str = "") -> str | None:
        """Make the administrator where there is nobody yet; returns the password, which is kept nowhere."""
        if self.accounts.users():
            return None
        password = given or secrets.token_urlsafe(12)
        self.accounts.add_user("setup", "admin", "administrator", password)
        return password

    async def start(self) -> None:
        """Start the children beside; the server answers meanwhile."""
        self.spawn(self._start_pool())
        self.spawn(self.jobs.work())
        self.spawn(self._expire())
        self.spawn(self.watches.resume())

    async def _start_pool(self) -> None:
        await self.pool.start()
        taught = [place for place in self.workspaces.every() if place.is_taught]
        asked = [{"task": "describe", "folder": p.address, "kind": p.kind} for p in taught]
        await self.pool.warm(asked[:MOST_WARMED])

    def spawn(self, work: Any) -> None:
        """Have something done beside."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """End everything; jobs that are cut short go on at the next start."""
        for task in self._tasks:
            task.cancel()
        for task in list(self._tasks):
            with suppress(asyncio.CancelledError, FovealError):
                await task
        await self.watches.stop_all()
        await self.pool.stop()
        await self.jobs.stop()
        self.state.close()

    async def make_report(self, place: Place) -> str:
        """The whole report of a workspace as a page; made by a process of its own, which ends with it."""
        child = Child(Kind("work"))
        try:
            await child.start()
            _, blobs = await child.ask({"task": "page", "folder": place.address})
        finally:
            await child.stop()
        return blobs[0].decode()

    def list_targets(self) -> list[dict[str, Any]]:
        """Where messages go, without secrets and passwords."""
        rows = self.state.all("SELECT id, kind, address, created FROM targets ORDER BY created")
        return [{**row, "address": _hide(row["address"])} for row in rows]

    async def _expire(self) -> None:
        """Forget what was kept long enough, by the same workflow as any forgetting."""
        while True:
            days = float(self.state.choice("looked_days", LOOKED_DAYS))
            for place in self.workspaces.every():
                if place.kind == "classes" and await asyncio.to_thread(self.runners.has_expired, place, days):
                    self.jobs.add("retention", "expire", place.name, {"days": days})
            with self.state.note() as connection:
                before = time.time() - 86400 * max(1.0, days)
                connection.execute("DELETE FROM jobs WHERE finished < ?", (before,))
            await asyncio.sleep(EXPIRE_EVERY_S)

    def _on_ended(self, job: dict[str, Any]) -> None:
        """Tell webhooks that a job has ended; names of pictures are not told."""
        about = {key: job[key] for key in ("id", "kind", "workspace", "state", "problem")}
        for target in self.state.all("SELECT * FROM targets WHERE kind = 'webhook'"):
            notifier = WebhookNotifier(target["address"], target["secret"])
            self.spawn(_deliver(notifier, about))


def _hide(address: str) -> str:
    """An address without who speaks to it, and without its path, which may be a secret too."""
    head, mark, rest = address.partition("://")
    return f"{head}{mark}{rest.rpartition('@')[2].partition('/')[0]}"


async def _deliver(notifier: WebhookNotifier, about: dict[str, Any]) -> None:
    """Try for an hour, each time after twice the wait."""
    for wait in (0, 5, 10, 20, 40, 80, 160, 320, 640, 1280):
        await asyncio.sleep(wait)
        if not await asyncio.to_thread(notifier.post, "job", about):
            return
