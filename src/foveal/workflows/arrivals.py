"""What arrives to be inspected: files in a folder, or frames of a camera or video."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from foveal.core.errors import InputError
from foveal.core.example import Example
from foveal.video.frames import hide_secrets, is_live, read_frames
from foveal.workflows.sources.folder import list_folder

SETTLED_S = 1.0  # a file untouched for so long is complete
PATIENCE_S = 30.0  # a file that cannot be read may still be written for so long


@dataclass(frozen=True, eq=False)
class Arrival:
    """A picture to judge: `thing` is a path or pixels; `key` tells it from all others."""

    key: str
    name: str
    thing: Any
    may_grow: bool  # a file so young that it may be half-written


class Arrivals(ABC):
    """A place where pictures arrive."""

    name: str

    @abstractmethod
    def fetch(self, known: set[str]) -> Iterator[Arrival]:
        """Yield what is there and not known, in the order it arrived.

        Raises StreamError where a camera cannot be reached.
        """

    @property
    @abstractmethod
    def is_finished(self) -> bool:
        """Whether nothing will ever arrive again."""


@final
@dataclass(eq=False)
class FolderArrivals(Arrivals):
    """Pictures written into a folder and the folders in it, oldest first."""

    folder: Path
    name: str
    _sizes: dict[str, tuple[int, int]] = field(default_factory=dict)

    def fetch(self, known: set[str]) -> Iterator[Arrival]:
        """List the folder; a file counts when it has not changed since the last listing, or for a while."""
        now, sizes = time.time(), {}
        found: list[tuple[int, int, str, Example, float]] = []
        for example in list_folder(self.folder)[1]:
            try:
                status = Path(example.path).stat()
            except OSError:
                continue  # gone again
            state = sizes[example.path] = (status.st_size, status.st_mtime_ns)
            key = f"{example.path}|{state[0]}|{state[1]}"
            if key not in known:
                found.append((state[1], len(found), key, example, now - status.st_mtime))
        settled = [one for one in found if self._sizes.get(one[3].path) == sizes[one[3].path] or one[4] > SETTLED_S]
        self._sizes = sizes
        for _, _, key, example, age in sorted(settled, key=lambda one: one[:2]):
            yield Arrival(key, example.name, example.path, may_grow=0 <= age < PATIENCE_S)

    @property
    def is_finished(self) -> bool:
        """Never: files may always come."""
        return False


@final
@dataclass(eq=False)
class VideoArrivals(Arrivals):
    """Frames of a camera or a video file, one every `every_s` seconds."""

    url: str
    name: str
    every_s: float
    _ended: bool = False

    def fetch(self, known: set[str]) -> Iterator[Arrival]:
        """Read on: a file where it was left, a camera where it is now."""
        shown, live = hide_secrets(self.url), is_live(self.url)
        begun = time.time()
        prefix = f"{shown}|"
        seen = [float(key.rpartition("|")[2]) for key in known if key.startswith(prefix)]
        for frame in read_frames(self.url, self.every_s, start_s=0.0 if live or not seen else max(seen)):
            at = begun + frame.seconds if live else frame.seconds
            key = f"{prefix}{at:.3f}"
            if key not in known:
                yield Arrival(key, f"{self.name} {_clock(at, live=live)}", frame.image.pixels, may_grow=False)
        self._ended = True

    @property
    def is_finished(self) -> bool:
        """Whether a video file has been read to its end."""
        return self._ended


def open_arrivals(source: str, *, name: str = "", every_s: float = 1.0) -> Arrivals:
    """A folder, a video file, a device such as /dev/video0, or a URL such as rtsp://...

    Raises InputError where there is nothing of the kind.
    """
    if is_live(source):
        return VideoArrivals(source, name or hide_secrets(source), every_s)
    path = Path(source)
    if path.is_dir():
        return FolderArrivals(path, name or path.resolve().name)
    if path.is_file():
        return VideoArrivals(source, name or path.name, every_s)
    raise InputError(f"{source} is neither a folder, a video file, a device nor the address of a stream.")


def _clock(at: float, *, live: bool) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if live else f"{at:.2f} s"
