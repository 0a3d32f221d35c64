"""Picture files without what they say of people and places, their pixels untouched.

Orientation, the moment and the model of the camera stay: the first makes a picture stand upright, the others tell
which pictures belong to one burst. Position, names, serial numbers, comments, previews and editing history go.
"""

import struct
import zlib
from io import BytesIO

from PIL import ExifTags
from PIL import Image as Pillow

from foveal.core.errors import DecodeError
from foveal.imaging.file_checks import DAMAGED, damaged
from foveal.imaging.quiet import without_library_warnings

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset(b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP sBIT bKGD pHYs acTL fcTL fdAT".split())
_JPEG_DROPPED = frozenset((0xE1, *range(0xE3, 0xEE), 0xEF, 0xFE))  # APP1, APP3 to 13, APP15 and comments
_PROFILE = b"ICC_PROFILE\0"  # the only APP2 that is kept; another kind holds further pictures
_KEPT_TAGS = (ExifTags.Base.Orientation, ExifTags.Base.Make, ExifTags.Base.Model)
_KEPT_MOMENTS = (
    ExifTags.Base.DateTimeOriginal,
    ExifTags.Base.SubsecTimeOriginal,
    ExifTags.Base.OffsetTimeOriginal,
)
_JPEG_MOST = 65_533 - 6


def drop_metadata(data: bytes, origin: str) -> bytes:
    """The same picture file with only the metadata that foveal uses.

    JPEG, PNG, WebP and GIF keep their compressed pixels bit by bit; TIFF is written anew without loss; BMP and DICOM
    come back as they are, the latter because its patient is what its pictures are grouped by.
    Raises DecodeError for a file whose structure is damaged.
    """
    try:
        if data.startswith(b"\xff\xd8\xff"):
            return _scrub_jpeg(data)
        if data.startswith(_PNG):
            return _scrub_png(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _scrub_webp(data)
        if data[:3] == b"GIF":
            return _scrub_gif(data)
        if data[:4] in (b"II*\0", b"MM\0*"):
            return _rewrite_tiff(data)
    except DecodeError:
        raise
    except DAMAGED as problem:
        raise damaged(origin, "", problem) from None
    return data


def _facts(data: bytes) -> bytes:
    """EXIF with only what is used, b"" where there is nothing."""
    with without_library_warnings():
        try:
            with Pillow.open(BytesIO(data), formats=("JPEG", "PNG", "WEBP", "TIFF")) as picture:
                old = picture.getexif()
                new = Pillow.Exif()
                for tag in _KEPT_TAGS:
                    if tag in old:
                        new[tag] = old[tag]
                moments = old.get_ifd(ExifTags.IFD.Exif)
                kept = {int(tag): moments[tag] for tag in _KEPT_MOMENTS if tag in moments}
                if kept:
                    new[ExifTags.IFD.Exif] = kept
                return new.tobytes() if len(new) else b""
        except DAMAGED:
            return b""


def _scrub_jpeg(data: bytes) -> bytes:
    """Copy segment by segment; what follows the end of the picture, as phones append it, goes too."""
    facts = _facts(data)
    parts = [b"\xff\xd8"]
    if facts and len(facts) <= _JPEG_MOST:
        parts.append(b"\xff\xe1" + struct.pack(">H", len(facts) + 2) + facts)
    place = 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            break
        marker = data[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        if marker == 0xD9 or marker == 0xDA:
            parts.append(_scans(data, place))
            return b"".join(parts)
        size = struct.unpack_from(">H", data, place + 2)[0]
        if marker not in _JPEG_DROPPED and (marker != 0xE2 or data.startswith(_PROFILE, place + 4)):
            parts.append(data[place : place + 2 + size])
        place += 2 + size
    parts.append(data[place:])
    return b"".join(parts)


def _scans(data: bytes, place: int) -> bytes:
    """Everything from the first scan to the end mark that belongs to it."""
    at = place
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        marker = data[at + 1]
        if marker == 0xD9:
            return data[place : at + 2]
        if marker in (0x00, 0xFF) or 0xD0 <= marker <= 0xD7:
            at += 1 if marker == 0xFF else 2
        elif at + 4 <= len(data):
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]
        else:
            break
    return data[place:]


def _scrub_png(data: bytes) -> bytes:
    parts, place = [_PNG], 8
    facts = _facts(data)
    while place + 12 <= len(data):
        size, name = struct.unpack_from(">I4s", data, place)
        if name in _PNG_KEPT:
            parts.append(data[place : place + 12 + size])
        if name == b"IHDR" and facts:
            parts.append(_png_chunk(b"eXIf", facts.removeprefix(b"Exif\0\0")))
        place += 12 + size
        if name == b"IEND":
            break
    else:
        parts.append(data[place:])
    return b"".join(parts)


def _png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _scrub_webp(data: bytes) -> bytes:
    facts = _facts(data).removeprefix(b"Exif\0\0")
    parts, place = [], 12
    extended = False
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        whole = data[place : place + 8 + size + (size & 1)]
        if name == b"VP8X" and len(whole) >= 18:
            extended = True
            flags = (whole[8] & ~0b1100) | (0b1000 if facts else 0)  # XMP never, EXIF where something is kept
            whole = whole[:8] + bytes([flags]) + whole[9:]
        if name not in (b"EXIF", b"XMP "):
            parts.append(whole)
        place += 8 + size + (size & 1)
    if facts and extended:
        parts.append(b"EXIF" + struct.pack("<I", len(facts)) + facts + b"\0" * (len(facts) & 1))
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _scrub_gif(data: bytes) -> bytes:
    """Copy block by block without comments, and without application blocks other than the one that loops."""
    place = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    parts = [data[:place]]
    while place < len(data) and data[place] != 0x3B:
        begin = place
        if data[place] == 0x2C:
            flags = data[place + 9]
            place = _after_blocks(data, place + 11 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0))
            kept = True
        elif data[place] == 0x21:
            label, name = data[place + 1], data[place + 3 : place + 14]
            place = _after_blocks(data, place + 2)
            kept = label == 0xF9 or (label == 0xFF and name == b"NETSCAPE2.0")
        else:
            break
        parts += [data[begin:place]] if kept else []
    return b"".join((*parts, b"\x3b"))


def _after_blocks(data: bytes, place: int) -> int:
    while data[place]:
        place += 1 + data[place]
    return place + 1


def _rewrite_tiff(data: bytes) -> bytes:
    """Write every page anew, upright as loading leaves it, with its color profile and no other tags."""
    out = BytesIO()
    with without_library_warnings(), Pillow.open(BytesIO(data), formats=("TIFF",)) as picture:
        pages = []
        for page in range(int(getattr(picture, "n_frames", 1))):
            picture.seek(page)
            picture.load()
            bare = picture.copy()
            bare.info = {name: value for name, value in bare.info.items() if name == "icc_profile"}
            pages.append(bare)
        pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:], compression="tiff_deflate")
    return out.getvalue()
