"""Child processes and those waiting for one: time limits, restarts, and a queue that refuses rather than grows."""

import asyncio
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from foveal.core import errors
from foveal.server.child import BUFFER
from foveal.server.wire import Message, pack, read_async

START_S = 60.0
STREAM_LIMIT = 1 << 22
Tell = Callable[[str, int, int], None]


class FullError(errors.FovealError):
    """More is asked than can be answered soon; `after_s` says when to come back."""

    def __init__(self, after_s: int = 1) -> None:
        super().__init__("The server is busy. Ask again in a moment.")
        self.after_s = after_s


class LostError(errors.FovealError):
    """A child process ended while it worked on a task."""


class TooLongError(errors.InputError):
    """A picture took longer than is allowed."""


@dataclass(frozen=True)
class Kind:
    """What sort of child: `tasks` it serves, how many threads its libraries may use, and its memory limit in bytes."""

    tasks: str
    threads: int = 1
    memory: int = 0


class Child:
    """One process with a socket to it. Use from one task at a time."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self._serves = False
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    @property
    def is_running(self) -> bool:
        """Whether there is a process that serves."""
        return self._serves and self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the process where there is none, and wait until it serves; raises LostError where it does not."""
        async with self._starting:
            if not self.is_running:
                await self.stop()
                await self._start()

    async def _start(self) -> None:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        threads = str(self._kind.threads)
        limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads)
        arguments = [self._kind.tasks, str(theirs.fileno()), str(self._kind.memory), str(os.getpid())]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "foveal.server.child", *arguments,
            pass_fds=[theirs.fileno()], stdin=asyncio.subprocess.DEVNULL, stdout=2, start_new_session=True,
            env={**os.environ, **limits},
        )  # fmt: skip
        theirs.close()
        self._reader, self._writer = await asyncio.open_connection(sock=ours, limit=STREAM_LIMIT)
        try:
            await asyncio.wait_for(read_async(self._reader), START_S)
            self._serves = True
        except (asyncio.IncompleteReadError, OSError, TimeoutError):
            await self.stop()
            raise LostError("A process of the server could not be started; its log says why.") from None

    async def ask(self, plain: dict[str, Any], blobs: list[bytes] | None = None, tell: Tell | None = None) -> Message:
        """Have one task done; raises what the task raised, or LostError where the process ended."""
        try:
            self._writer.write(pack(plain, blobs))
            await self._writer.drain()
            while True:
                answer, parts = await read_async(self._reader)
                if "progress" in answer:
                    if tell is not None:
                        tell(*answer["progress"])
                elif "done" in answer:
                    return answer["done"], parts
                else:
                    raise _rebuild(answer)
        except (asyncio.IncompleteReadError, OSError):
            await self.stop()
            raise LostError("The process that worked on this ended.") from None

    async def stop(self) -> None:
        """End the process at once."""
        process, self._process, self._serves = self._process, None, False
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        self._writer.close() if hasattr(self, "_writer") else None
        await process.wait()


def _rebuild(answer: dict[str, Any]) -> errors.FovealError:
    for name in answer["kinds"]:
        kind = getattr(errors, name, None)
        if kind is not None and kind is not errors.MissingExtraError:
            return kind(answer["error"])  # type: ignore[no-any-return]
    return errors.FovealError(answer["error"])


class Pool:
    """Several children of one kind; a task that takes too long costs a child, which is started anew."""

    def __init__(self, kind: Kind, n: int, *, seconds: float, most_waiting: int) -> None:
        self._idle = deque(Child(kind) for _ in range(n))
        self._every = tuple(self._idle)
        self._waiting: deque[asyncio.Future[Child]] = deque()
        self._seconds, self._most = seconds, most_waiting

    async def start(self) -> None:
        """Start all."""
        await asyncio.gather(*(child.start() for child in self._every))

    async def warm(self, asked: Sequence[dict[str, Any]]) -> None:
        """Have every child do these tasks first, so that nobody waits for what they open; what they raise is let go."""
        for child in self._every:
            if child in self._idle:
                self._idle.remove(child)
                try:
                    for plain in asked:
                        with suppress(errors.FovealError):
                            await child.ask(plain)
                finally:
                    self._give(child)

    async def stop(self) -> None:
        """End all."""
        await asyncio.gather(*(child.stop() for child in self._every))

    @property
    def is_ready(self) -> bool:
        """Whether any of them runs."""
        return any(child.is_running for child in self._every)

    @property
    def n_waiting(self) -> int:
        """Tasks waiting for a child."""
        return len(self._waiting)

    async def ask(self, plain: dict[str, Any], blobs: list[bytes] | None = None) -> Message:
        """Have a task done by the next child that is free.

        Raises FullError where too many wait, TooLongError where it took too long, InputError where it
        ended its child, and what the task raised.
        """
        child = await self._take()
        try:
            await child.start()
            return await asyncio.wait_for(child.ask(plain, blobs), self._seconds)
        except TimeoutError:
            await child.stop()
            raise TooLongError(f"This took longer than {self._seconds:.0f} s, which is the limit here.") from None
        except LostError:
            raise errors.InputError("This ended the process that worked on it, so it is refused.") from None
        except asyncio.CancelledError:  # whoever asked is gone; the answer would be read by the next one
            await child.stop()
            raise
        finally:
            self._give(child)

    async def _take(self) -> Child:
        if self._idle:
            return self._idle.popleft()
        if len(self._waiting) >= self._most:
            raise FullError
        future: asyncio.Future[Child] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._give(future.result())
            else:
                self._waiting.remove(future)
            raise

    def _give(self, child: Child) -> None:
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(child)
                return
        self._idle.append(child)
