"""A zip archive whose every byte follows from its parts: stored, sorted, without dates.

Any zip program opens such a file. The reader accepts nothing else: it works out what the bytes
around the parts must be and compares, so that no flipped byte anywhere goes unnoticed.
Source: PKWARE .ZIP application note 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from foveal.core.errors import IntegrityError, ModelError

LIMIT_BYTES = 2**32 - 1  # without the zip64 extension
MAX_PARTS = 4096
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_VERSION = 20  # of the format needed to read it
_UTF8_NAMES = 0x800
_DATE = (1 << 5) | 1  # 1 January 1980, the first date the format knows


@dataclass(frozen=True, slots=True)
class _Entry:
    name: bytes
    crc: int
    size: int
    offset: int

    def local(self) -> bytes:
        fixed = (_VERSION, _UTF8_NAMES, 0, 0, _DATE, self.crc, self.size, self.size, len(self.name), 0)
        return _LOCAL.pack(b"PK\3\4", *fixed) + self.name

    def central(self) -> bytes:
        fixed = (_VERSION, _VERSION, _UTF8_NAMES, 0, 0, _DATE, self.crc, self.size, self.size, len(self.name))
        return _CENTRAL.pack(b"PK\1\2", *fixed, 0, 0, 0, 0, 0, self.offset) + self.name


def pack_parts(parts: Mapping[str, bytes]) -> Iterator[bytes]:
    """Yield the bytes of the archive; raises ModelError when there is too much for the format."""
    if len(parts) > MAX_PARTS:
        raise ModelError(f"A recognizer file holds at most {MAX_PARTS} parts, got {len(parts)}.")
    entries, offset = [], 0
    for name in sorted(parts):
        entry = _Entry(name.encode(), zlib.crc32(parts[name]), len(parts[name]), offset)
        entries.append(entry)
        offset += _LOCAL.size + len(entry.name) + entry.size
    if offset + _tail_bytes(entries) > LIMIT_BYTES:
        raise ModelError(f"A recognizer file holds at most {LIMIT_BYTES} bytes, got {offset}. Teach fewer pictures.")
    for entry, name in zip(entries, sorted(parts), strict=True):
        yield entry.local()
        yield parts[name]
    yield _tail(entries, offset)


def _tail_bytes(entries: list[_Entry]) -> int:
    return sum(_CENTRAL.size + len(entry.name) for entry in entries) + _END.size


def _tail(entries: list[_Entry], offset: int) -> bytes:
    directory = b"".join(entry.central() for entry in entries)
    n = len(entries)
    return directory + _END.pack(b"PK\5\6", 0, 0, n, n, len(directory), offset, 0)


def unpack_parts(data: bytes) -> dict[str, memoryview]:
    """Return the parts by name as views into `data`.

    Raises ModelError when it is no such archive at all, IntegrityError when it is one that was
    cut short or altered.
    """
    if not data.startswith(b"PK\3\4"):
        raise ModelError("not a .foveal file: it does not begin like a zip archive")
    entries = _read_directory(data)
    parts, offset = {}, 0
    for entry in entries:
        start = offset + _LOCAL.size + len(entry.name)
        if entry.offset != offset or data[offset:start] != entry.local():
            raise IntegrityError("altered: the header of a part does not match the directory")
        part = memoryview(data)[start : start + entry.size]
        if zlib.crc32(part) != entry.crc:
            raise IntegrityError(f"altered: the part {entry.name!r} does not match its checksum")
        parts[entry.name.decode("ascii", "replace")] = part
        offset = start + entry.size
    if data[offset:] != _tail(entries, offset):
        raise IntegrityError("altered: its directory is not the one foveal writes")
    names = [entry.name for entry in entries]
    if names != sorted(set(names)) or len(parts) != len(names):
        raise IntegrityError("altered: its parts are named twice or out of order")
    return parts


def _read_directory(data: bytes) -> list[_Entry]:
    end = len(data) - _END.size
    if end < 0 or data[end : end + 4] != b"PK\5\6":
        raise IntegrityError("cut short or altered: its end is missing")
    _, _, _, n, _, n_bytes, place, _ = _END.unpack_from(data, end)
    if n > MAX_PARTS or place + n_bytes != end:
        raise IntegrityError("cut short or altered: its directory is not where its end says")
    entries = []
    for _ in range(n):
        if place + _CENTRAL.size > end:
            raise IntegrityError("cut short or altered: its directory is incomplete")
        fields = _CENTRAL.unpack_from(data, place)
        crc, size, name_bytes, offset = fields[7], fields[9], fields[10], fields[16]
        name = bytes(data[place + _CENTRAL.size : place + _CENTRAL.size + name_bytes])
        entries.append(_Entry(name, crc, size, offset))
        place += _CENTRAL.size + name_bytes
    return entries
