"""What is refused before decoding, how reading a damaged file may fail, and the hash of a file."""

import hashlib
import struct
import zlib
from dataclasses import dataclass

from PIL import Image as Pillow

from foveal.core.errors import DecodeError

# Pillow and pydicom read headers in Python and fail on damaged files in all of these ways.
DAMAGED = (
    *(OSError, EOFError, SyntaxError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError),
    *(RuntimeError, AssertionError, MemoryError, struct.error, zlib.error, Pillow.DecompressionBombError),
)


@dataclass(frozen=True)
class Limits:
    """What is refused before decoding: width x height of the header, and bytes of the file."""

    max_pixels: int = 200_000_000
    max_bytes: int = 200 * 1024 * 1024


LIMITS = Limits()


def check_bytes(n_bytes: int, origin: str, limits: Limits) -> None:
    """Raise DecodeError when a file is too large to be read."""
    if n_bytes > limits.max_bytes:
        raise DecodeError(
            f"{origin}: expected at most {limits.max_bytes:,} bytes, got {n_bytes:,}. "
            "Reduce the file, or raise Limits.max_bytes if you trust it."
        )


def check_pixels(width: int, height: int, origin: str, limits: Limits) -> None:
    """Raise DecodeError when a header promises more pixels than may be decoded."""
    if width * height > limits.max_pixels:
        raise DecodeError(
            f"{origin}: expected at most {limits.max_pixels:,} pixels, got {width} x {height} = {width * height:,}. "
            "Reduce the picture, or raise Limits.max_pixels if you trust the file."
        )


def damaged(origin: str, kind: str, problem: BaseException) -> DecodeError:
    """Word the error for a file of a known kind that cannot be decoded."""
    reason = " ".join(str(problem).split())[:200] or type(problem).__name__
    return DecodeError(
        f"{origin}: expected a complete {kind} picture, got one that cannot be decoded ({reason}). "
        "Copy or export the file again."
    )


def hash_frame(data: bytes, frame: int) -> str:
    """Return the SHA-256 of a file's bytes, followed by "#N" for frames after the first."""
    digest = hashlib.sha256(data)
    if frame:
        digest.update(f"#{frame}".encode())
    return digest.hexdigest()
