"""Long work, one job after the other: kept on the disk before it is promised, watched, cancelled, and resumed."""

import asyncio
import json
import secrets
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, final

from foveal.core.errors import FovealError
from foveal.server.children import Child, LostError
from foveal.server.state import State

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
ENDED = frozenset({DONE, FAILED, CANCELLED})
MOST_ATTEMPTS = 3
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Job:
    """What a runner is given."""

    id: str
    kind: str
    workspace: str
    arguments: dict[str, Any]
    who: str


Runner = Callable[[Job, Child, Tell], Awaitable[dict[str, Any]]]


@final
class Jobs:
    """A queue with one child that works it off. Use from the event loop."""

    def __init__(self, state: State, child: Child, runners: Mapping[str, Runner]) -> None:
        self._state, self._child, self._runners = state, child, runners
        self._progress: dict[str, tuple[str, int, int]] = {}
        self._changed: dict[str, list[asyncio.Event]] = defaultdict(list)
        self._waiting = asyncio.Event()
        self._running: str | None = None
        self._cancelled: set[str] = set()
        self.ended: Callable[[dict[str, Any]], None] = lambda job: None

    def add(self, who: str, kind: str, workspace: str, arguments: Mapping[str, Any], **about: Any) -> str:
        """Promise a job; when this returns it is on the disk and in the log."""
        number = f"job_{secrets.token_hex(8)}"
        row = (number, kind, workspace, json.dumps(arguments), QUEUED, who, time.time(), 0)
        with self._state.change(who, f"job {kind}", workspace=workspace, job=number, **about) as connection:
            connection.execute(
                "INSERT INTO jobs (id, kind, workspace, arguments, state, who, created, attempts) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
        self._waiting.set()
        return number

    def get(self, number: str) -> dict[str, Any] | None:
        """A job as plain values, None where there is none."""
        row = self._state.one("SELECT * FROM jobs WHERE id = ?", number)
        return self._plain(row) if row else None

    def newest(self, *, before: float = 0.0, most: int = 50, workspace: str = "") -> list[dict[str, Any]]:
        """Jobs, the newest first."""
        rows = self._state.all(
            "SELECT * FROM jobs WHERE created < ? AND (? = '' OR workspace = ?) ORDER BY created DESC LIMIT ?",
            before or 1e18,
            workspace,
            workspace,
            most,
        )
        return [self._plain(row) for row in rows]

    def _plain(self, row: dict[str, Any]) -> dict[str, Any]:
        stage, done, total = self._progress.get(row["id"], ("", 0, 0))
        return {
            **{
                name: row[name]
                for name in ("id", "kind", "workspace", "state", "who", "created", "finished", "problem")
            },
            "result": json.loads(row["result"]) if row["result"] else None,
            "progress": {"stage": stage, "done": done, "total": total},
        }

    def cancel(self, who: str, number: str) -> bool:
        """Cancel a job that has not ended; what it acknowledged already stays. Tells whether there was one."""
        row = self._state.one("SELECT state, workspace FROM jobs WHERE id = ?", number)
        if row is None or row["state"] in ENDED:
            return False
        with self._state.change(who, "cancel", job=number, workspace=row["workspace"]) as connection:
            connection.execute("UPDATE jobs SET state = ?, finished = ? WHERE id = ?", (CANCELLED, time.time(), number))
        self._cancelled.add(number)
        if self._running == number:
            self._stopping = asyncio.ensure_future(self._child.stop())
        self._tell(number)
        return True

    async def wait(self, number: str, seconds: float) -> dict[str, Any] | None:
        """The job, once it has ended or the time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for job in self.follow(number):
                    if job["state"] in ENDED:
                        return job
        return self.get(number)

    async def follow(self, number: str) -> AsyncIterator[dict[str, Any]]:
        """The job now and after each change, until it has ended."""
        event = asyncio.Event()
        self._changed[number].append(event)
        try:
            while (job := self.get(number)) is not None:
                yield job
                if job["state"] in ENDED:
                    return
                await event.wait()
                event.clear()
        finally:
            self._changed[number].remove(event)
            if not self._changed[number]:
                del self._changed[number]

    def _tell(self, number: str) -> None:
        for event in self._changed.get(number, ()):
            event.set()

    async def stop(self) -> None:
        """End the child; a job that is cut short begins anew at the next start."""
        await self._child.stop()

    # -- working ------------------------------------------------------------------------------------------

    async def work(self) -> None:
        """Work off the queue for ever; jobs that a stop cut short begin anew."""
        self._resume()
        while True:
            row = self._state.one("SELECT * FROM jobs WHERE state = ? ORDER BY created LIMIT 1", QUEUED)
            if row is None:
                self._waiting.clear()
                await self._waiting.wait()
                continue
            await self._run(Job(row["id"], row["kind"], row["workspace"], json.loads(row["arguments"]), row["who"]))

    def _resume(self) -> None:
        with self._state.note() as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, finished = ?, problem = ? WHERE state = ? AND attempts >= ?",
                (FAILED, time.time(), "It was cut short several times and is not tried again.", RUNNING, MOST_ATTEMPTS),
            )
            connection.execute("UPDATE jobs SET state = ? WHERE state = ?", (QUEUED, RUNNING))

    async def _run(self, job: Job) -> None:
        self._set(job.id, RUNNING, attempt=True)
        self._running = job.id

        def tell(stage: str, done: int, total: int) -> None:
            self._progress[job.id] = (stage, done, total)
            self._tell(job.id)

        try:
            await self._child.start()
            result = await self._runners[job.kind](job, self._child, tell)
            self._set(job.id, DONE, result=json.dumps(result))
        except LostError:
            problem = "" if job.id in self._cancelled else "The process that worked on it ended. Try again."
            self._set(job.id, CANCELLED if job.id in self._cancelled else FAILED, problem=problem)
        except FovealError as problem_found:
            self._set(job.id, FAILED, problem=str(problem_found))
        finally:
            self._running = None
            self._cancelled.discard(job.id)
            self._progress.pop(job.id, None)
            self._tell(job.id)
        ended = self.get(job.id)
        if ended is not None and ended["state"] in ENDED:
            self.ended(ended)

    def _set(
        self, number: str, state: str, *, result: str | None = None, problem: str = "", attempt: bool = False
    ) -> None:
        finished = time.time() if state in ENDED else None
        with self._state.note() as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, result = ?, problem = ?, finished = ?, attempts = attempts + ? "
                "WHERE id = ? AND state != ?",
                (state, result, problem or None, finished, int(attempt), number, CANCELLED),
            )
        self._tell(number)
