"""Codes: what is stored, hashed and taught instead of an image."""

import hashlib

import numpy as np
import numpy.typing as npt

from foveal.core.contracts import Code
from foveal.core.errors import InputError

CODE_SCALE = 32767  # the code of a unit vector u is rint(CODE_SCALE * u)


def make_code(pooled: npt.NDArray[np.floating]) -> Code:
    """Scale a pooled vector (d,) to unit length and round it to int16 (d,).

    Raises InputError when the vector has no length or is not finite: such an image shows nothing.

    >>> make_code(np.array([3.0, 4.0])).tolist()
    [19660, 26214]
    """
    vector = np.asarray(pooled, dtype=np.float64)
    length = float(np.linalg.norm(vector))
    if vector.ndim != 1 or not np.isfinite(length) or length == 0.0:
        raise InputError(f"A code needs a finite vector that is not zero, got shape {vector.shape}, length {length}.")
    return np.rint(CODE_SCALE * (vector / length)).astype(np.int16)


def to_unit(codes: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
    """Return codes of any shape as float64 vectors of about unit length."""
    return codes.astype(np.float64) / CODE_SCALE


def hash_code(code: Code) -> str:
    """SHA-256 of a code's little-endian bytes, hexadecimal."""
    return hashlib.sha256(code.astype("<i2").tobytes()).hexdigest()
