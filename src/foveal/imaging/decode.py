"""Bytes of a picture file to upright sRGB pixels, and what the file says of itself."""

import os
import re
from collections.abc import Callable
from io import BytesIO

from PIL import BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin
from PIL.ImageFile import ImageFile

from foveal.core.errors import DecodeError, InputError
from foveal.core.image import Capture, Image
from foveal.imaging.depth import to_pixels, to_rgb
from foveal.imaging.exif import make_upright, read_facts
from foveal.imaging.file_checks import DAMAGED, LIMITS, Limits, check_bytes, check_pixels, damaged, hash_frame
from foveal.imaging.quiet import without_library_warnings

# An explicit table, because `PIL.Image.open` tries formats that run other programs (EPS) and
# warns or fails by a process-wide pixel limit; ours is checked per call.
_READERS: dict[str, Callable[[BytesIO], ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
}
# DICOM first: its preamble may hold a TIFF header of its own.
_MAGIC = re.compile(
    rb"(?P<DICOM>.{128}DICM)|(?P<JPEG>\xff\xd8\xff)|(?P<PNG>\x89PNG\r\n\x1a\n)|(?P<WEBP>RIFF....WEBP)|(?P<GIF>GIF8[79]a)"
    rb"|(?P<BMP>BM)|(?P<TIFF>II[*+]\0|MM\0[*+])",
    re.DOTALL,
)
_KNOWN = "a JPEG, PNG, WebP, BMP, GIF, TIFF or DICOM picture"
_FRAME = re.compile(r"(?P<file>.+)#(?P<frame>\d{1,9})", re.DOTALL)


def decode(
    data: bytes, origin: str, *, at_least: int | None = None, frame: int = 0, limits: Limits = LIMITS
) -> tuple[Image, Capture]:
    """Decode the bytes of a picture file; `origin` names it in errors.

    With `at_least` a JPEG may come back 2, 4 or 8 times smaller, as long as its short side keeps
    that many pixels. `frame` counts from 0; frames after the first get their number hashed into
    `Capture.sha256`, so that frames of one file are not taken for copies. Depths beyond 8 bits
    follow `scale_to_8_bits`. Safe to call from several threads at once.

    Raises DecodeError naming `origin` for anything that is not a readable picture within `limits`.
    """
    if at_least is not None and at_least < 1:
        raise InputError(f"at_least must be 1 pixel or more, got {at_least}. Leave it out for full size.")
    check_bytes(len(data), origin, limits)
    kind = _sniff(data, origin)
    if kind == "DICOM":
        from foveal.imaging.dicom import decode_dicom  # pydicom is an extra

        return decode_dicom(data, origin, frame=frame, limits=limits)
    with without_library_warnings():
        try:
            with _READERS[kind](BytesIO(data)) as picture:
                return _finish(picture, data, origin, kind, at_least=at_least, frame=frame, limits=limits)
        except DecodeError:
            raise
        except (*DAMAGED, InputError) as problem:
            raise damaged(origin, kind, problem) from None


def read(path: str, *, at_least: int | None = None, limits: Limits = LIMITS) -> tuple[Image, Capture]:
    """Read and decode a file; "scan.dcm#3" is frame 3, counted from 0, of a multi-frame file.

    Raises DecodeError naming the path.
    """
    file, frame = _split_frame(path)
    return decode(_read_bytes(file, limits), path, at_least=at_least, frame=frame, limits=limits)


def count_frames(path: str, *, limits: Limits = LIMITS) -> int:
    """Count the pictures in a file: DICOM frames, TIFF pages, frames of an animation.

    Raises DecodeError naming the path.
    """
    data = _read_bytes(path, limits)
    kind = _sniff(data, path)
    if kind == "DICOM":
        from foveal.imaging.dicom import count_dicom_frames

        return count_dicom_frames(data, path, limits=limits)
    with without_library_warnings():
        try:
            with _READERS[kind](BytesIO(data)) as picture:
                return int(getattr(picture, "n_frames", 1))
        except DAMAGED as problem:
            raise damaged(path, kind, problem) from None


def _sniff(data: bytes, origin: str) -> str:
    """Name the format by its first bytes, never by the file name."""
    found = _MAGIC.match(data)
    if found and found.lastgroup:
        return found.lastgroup
    if not data:
        raise DecodeError(f"{origin}: expected {_KNOWN}, got an empty file. Copy the file again or remove it.")
    if data[4:8] == b"ftyp":
        raise DecodeError(f"{origin}: expected {_KNOWN}, got HEIC, AVIF or a video. Export it as JPEG or PNG.")
    start = data[:12]
    looks = "text" if start.isascii() and start.decode("ascii").isprintable() else "unknown bytes"
    raise DecodeError(f"{origin}: expected {_KNOWN}, got {looks} starting with {start!r}. Convert or remove the file.")


def _finish(
    picture: ImageFile, data: bytes, origin: str, kind: str, *, at_least: int | None, frame: int, limits: Limits
) -> tuple[Image, Capture]:
    if frame:
        _seek(picture, frame, origin)
    full = picture.size
    check_pixels(*full, origin, limits)
    if at_least and kind == "JPEG":
        picture.draft("RGB", (at_least, at_least))
    picture.load()
    facts = read_facts(picture)  # after loading: TIFF then stands upright already, PNG may say it at the end
    pixels = to_pixels(make_upright(to_rgb(picture), facts.orientation))
    width, height = reversed(full) if facts.is_turned else full
    digest = hash_frame(data, frame)
    capture = Capture(digest, len(data), kind, width, height, taken_at=facts.taken_at, device=facts.device)
    return Image(pixels, origin), capture


def _seek(picture: ImageFile, frame: int, origin: str) -> None:
    n_frames = int(getattr(picture, "n_frames", 1))
    if frame >= n_frames:
        raise DecodeError(f"{origin}: expected a frame from 0 to {n_frames - 1}, got {frame}. Ask for one it has.")
    picture.seek(frame)


def _split_frame(path: str) -> tuple[str, int]:
    """Split "scan.dcm#3" into file and frame; a file whose own name ends so is left whole."""
    found = _FRAME.fullmatch(path)
    if found is None or os.path.exists(path):
        return path, 0
    return found["file"], int(found["frame"])


def _read_bytes(path: str, limits: Limits) -> bytes:
    try:
        with open(path, "rb") as file:
            check_bytes(os.fstat(file.fileno()).st_size, path, limits)
            return file.read()
    except IsADirectoryError:
        raise DecodeError(f"{path}: expected {_KNOWN}, got a folder. Name a file inside it.") from None
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise DecodeError(f"{path}: expected {_KNOWN}, got an unreadable file ({reason}). Check the path.") from None
