"""Patch codes: what is stored, hashed and taught of a picture's grid of features."""

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from foveal.core.contracts import Code, Float32s
from foveal.core.errors import InputError

PATCH_SCALE = 256  # the code of a feature x is rint(PATCH_SCALE * x), held to what int16 can say
ROUNDING = 1.0 / (12.0 * PATCH_SCALE**2)  # variance that rounding adds: no feature is known better


def make_patch_code(patches: Float32s) -> Code:
    """Round features (rows, columns, d) to int16 (rows * columns * d,), position after position.

    Raises InputError where a feature is not finite.

    >>> make_patch_code(np.array([[[0.5, -1.0]]], np.float32)).tolist()
    [128, -256]
    """
    if not np.isfinite(patches).all():
        raise InputError("The network's features are not finite; the picture cannot be inspected.")
    limits = np.iinfo(np.int16)
    return np.rint(patches * PATCH_SCALE).clip(limits.min, limits.max).astype(np.int16).ravel()


def to_patches(codes: npt.NDArray[np.int16], dim: int) -> Float32s:
    """Features float32 (..., positions, d) of codes int16 (..., positions * d)."""
    return codes.reshape(*codes.shape[:-1], -1, dim).astype(np.float32) / np.float32(PATCH_SCALE)


def hash_code_set(backbone: str, hashes: Iterable[str]) -> str:
    """SHA-256 of a set of codes, given by their own hashes, whatever their order.

    >>> hash_code_set("b", ["aa", "bb"]) == hash_code_set("b", ["bb", "aa"]) != hash_code_set("b", ["aa"])
    True
    """
    digest = hashlib.sha256(backbone.encode())
    for line in sorted(hashes):
        digest.update(b"\n" + line.encode())
    return digest.hexdigest()
