"""Frames of a camera, a stream or a video file, through PyAV (extra foveal[camera])."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from foveal.core.errors import FovealError, MissingExtraError
from foveal.core.image import Image

LIVE = re.compile(r"^(rtsps?|rtmps?|https?|udp|srt|tcp)://|^/dev/video")
OPEN_TIMEOUT_S, READ_TIMEOUT_S = 10.0, 10.0
_SECRET = re.compile(r"//[^/@]*@")


class Frame(NamedTuple):
    """A frame and its time from the beginning, in seconds."""

    seconds: float
    image: Image


class StreamError(FovealError):
    """A camera or stream that cannot be opened, or that ended unexpectedly."""


def is_live(url: str) -> bool:
    """Whether a source goes on by itself, as cameras do, rather than being a file.

    >>> is_live("rtsp://10.0.0.7/live"), is_live("/dev/video0"), is_live("line.mp4")
    (True, True, False)
    """
    return LIVE.match(url) is not None


def hide_secrets(url: str) -> str:
    """The address without user and password.

    >>> hide_secrets("rtsp://admin:secret@10.0.0.7/live")
    'rtsp://10.0.0.7/live'
    """
    return _SECRET.sub("//", url)


def read_frames(url: str, every_s: float, *, start_s: float = 0.0) -> Iterator[Frame]:
    """Yield a frame every `every_s` seconds of the recording, from `start_s` on in a file; ends where a file ends.

    Raises StreamError when it cannot be opened, or when a live source stops or is silent for too long;
    MissingExtraError without PyAV.
    """
    try:
        import av
    except ImportError:
        raise MissingExtraError("Watching cameras and videos", "camera") from None
    shown = hide_secrets(url)
    kind = "v4l2" if url.startswith("/dev/video") else None
    try:
        with av.open(url, format=kind, timeout=(OPEN_TIMEOUT_S, READ_TIMEOUT_S)) as container:
            if not container.streams.video:
                raise StreamError(f"{shown} has no picture track.")
            stream = container.streams.video[0]
            if start_s > 0 and stream.time_base is not None and not is_live(url):
                container.seek(int(start_s / stream.time_base), stream=stream)
            due = start_s
            for frame in container.decode(stream):
                seconds = float(frame.time or 0.0)
                if seconds + 1e-6 >= due:
                    yield Frame(seconds, Image(np.ascontiguousarray(frame.to_ndarray(format="rgb24")), shown))
                    due = max(due + every_s, seconds + every_s / 2)
    except (av.FFmpegError, OSError) as problem:
        raise StreamError(f"{shown}: {getattr(problem, 'strerror', None) or problem}.") from None
    if is_live(url):
        raise StreamError(f"{shown} stopped sending.")
