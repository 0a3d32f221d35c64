"""What passes between the server and its child processes: plain values as JSON, and bytes beside them; never a pickle."""

import json
import socket
import struct
from asyncio import StreamReader
from typing import Any

_HEAD = struct.Struct(">II")
_SIZE = struct.Struct(">Q")
Message = tuple[dict[str, Any], list[bytes]]


def pack(plain: dict[str, Any], blobs: list[bytes] | None = None) -> bytes:
    """A message as bytes: length of the JSON, number of blobs, their lengths, the JSON, the blobs.

    >>> len(pack({}, [b"abc"]))
    21
    """
    text = json.dumps(plain, allow_nan=False).encode()
    parts = blobs or []
    sizes = b"".join(_SIZE.pack(len(part)) for part in parts)
    return b"".join((_HEAD.pack(len(text), len(parts)), sizes, text, *parts))


async def read_async(stream: StreamReader) -> Message:
    """The next message; raises IncompleteReadError where the other side is gone."""
    n_text, n_blobs = _HEAD.unpack(await stream.readexactly(_HEAD.size))
    sizes = [_SIZE.unpack(await stream.readexactly(_SIZE.size))[0] for _ in range(n_blobs)]
    text = await stream.readexactly(n_text)
    return json.loads(text), [await stream.readexactly(size) for size in sizes]


def read_blocking(connection: socket.socket) -> Message:
    """The next message; raises EOFError where the other side is gone."""
    n_text, n_blobs = _HEAD.unpack(_receive(connection, _HEAD.size))
    sizes = [_SIZE.unpack(_receive(connection, _SIZE.size))[0] for _ in range(n_blobs)]
    text = _receive(connection, n_text)
    return json.loads(bytes(text)), [bytes(_receive(connection, size)) for size in sizes]


def _receive(connection: socket.socket, n: int) -> bytearray:
    buffer = bytearray(n)
    view, got = memoryview(buffer), 0
    while got < n:
        step = connection.recv_into(view[got:])
        if step == 0:
            raise EOFError
        got += step
    return buffer
