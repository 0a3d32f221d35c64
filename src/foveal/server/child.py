"""A child process of the server: decodes, looks or learns, so that a hostile picture can only ever end a child."""

import importlib
import os
import resource
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from foveal.core.contracts import Progress
from foveal.core.errors import FovealError
from foveal.server.wire import Message, pack, read_blocking

Report = Progress
Task = Callable[[dict[str, Any], list[bytes], Report], Message]
TASKS = {"look": "foveal.server.looking", "work": "foveal.server.work", "watch": "foveal.server.watching"}
BUFFER = 1 << 20
WATCH_PARENT_S = 0.5
REPORT_EVERY_S = 0.1


def main(arguments: list[str]) -> int:
    """Serve the tasks of one kind over the socket that was inherited, until the server is gone."""
    kind, descriptor, memory, parent = arguments[0], *map(int, arguments[1:4])
    connection = socket.socket(fileno=descriptor)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    tasks: Mapping[str, Task] = importlib.import_module(TASKS[kind]).TASKS
    if memory:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    connection.sendall(pack({"ready": True}))
    while True:
        try:
            asked, blobs = read_blocking(connection)
        except (EOFError, OSError):
            return 0
        connection.sendall(_do(tasks, asked, blobs, _reporter(connection)))


def _do(tasks: Mapping[str, Task], asked: dict[str, Any], blobs: list[bytes], report: Report) -> bytes:
    try:
        plain, parts = tasks[asked["task"]](asked, blobs, report)
        return pack({"done": plain}, parts)
    except FovealError as problem:
        kinds = [kind.__name__ for kind in type(problem).__mro__ if issubclass(kind, FovealError)]
        return pack({"error": str(problem), "kinds": kinds})
    except MemoryError:
        return pack({"error": "The picture needs more memory than is allowed here.", "kinds": ["InputError"]})
    except Exception as problem:  # the edge of the process: one task fails, the child goes on
        sys.stderr.write(traceback.format_exc())
        return pack({"error": f"unexpected {type(problem).__name__}", "kinds": []})


def _reporter(connection: socket.socket) -> Report:
    last: list[Any] = [0.0, ""]

    def report(stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != last[1] or now - last[0] > REPORT_EVERY_S or done == total:
            last[:] = [now, stage]
            connection.sendall(pack({"progress": [stage, done, total]}))

    return report


def _end_with(parent: int) -> NoReturn:
    """End when the server does, however it does: the right to write must be free for the next one."""
    while os.getppid() == parent:
        time.sleep(WATCH_PARENT_S)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
