"""Moments: exact integer sums of codes that add, subtract and merge."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foveal.core.errors import InputError

Int64s = npt.NDArray[np.int64]
Labels = Sequence[tuple[str, ...]]

# An entry of a block's second moment is below rows x 2^30, and float64 holds integers to 2^53.
MAX_ROWS = 2**22
BLOCK_ROWS = 2048  # 20 MB of float64 at d = 1280: fits the cache hierarchy, keeps memory flat


@dataclass(frozen=True, eq=False)
class Moments:
    """Counts and sums of the codes of one backbone; every entry is an exact integer.

    `labels` are sorted and each was taught at least once. `counts` (C,) and `sums` (C, d) are per
    label; `n`, `total` (d,) and `second` (d, d), the sum of q q^T, are over all codes. With one
    label a code, counts add up to n; with tags they need not.
    """

    backbone: str
    labels: tuple[str, ...]
    n: int
    total: Int64s
    counts: Int64s
    sums: Int64s
    second: Int64s

    @property
    def dim(self) -> int:
        """Length d of a code."""
        return int(self.total.shape[0])

    def __add__(self, other: "Moments") -> "Moments":
        """Merge two memories of the same backbone."""
        return self._combine(other, 1)

    def __sub__(self, other: "Moments") -> "Moments":
        """Forget: the memory as if `other` had never been taught.

        Raises InputError when `other` holds more of a label than this memory does.
        """
        return self._combine(other, -1)

    def sha256(self) -> str:
        """Hash of everything remembered; equal hashes mean equal bytes."""
        digest = hashlib.sha256()
        head = {"backbone": self.backbone, "labels": self.labels, "n": self.n, "dim": self.dim}
        digest.update(json.dumps(head, sort_keys=True, ensure_ascii=False).encode())
        for array in (self.total, self.counts, self.sums, self.second):
            digest.update(np.ascontiguousarray(array, dtype="<i8").data)
        return digest.hexdigest()

    def _combine(self, other: "Moments", sign: int) -> "Moments":
        if (self.backbone, self.dim) != (other.backbone, other.dim):
            raise InputError(
                f"Memories of different backbones cannot be combined: {self.backbone} ({self.dim}) "
                f"and {other.backbone} ({other.dim}). Teach both with the same backbone."
            )
        labels = tuple(sorted({*self.labels, *other.labels}))
        mine, theirs = self._spread(labels), other._spread(labels)
        counts = mine[0] + sign * theirs[0]
        n = self.n + sign * other.n
        if n < 0 or (counts < 0).any():
            short = [label for label, count in zip(labels, counts, strict=True) if count < 0]
            raise InputError(f"Cannot forget what was not taught: too few codes of {short or 'any label'} in memory.")
        sums = mine[1] + sign * theirs[1]
        kept = counts > 0
        return Moments(
            self.backbone,
            tuple(label for label, keep in zip(labels, kept, strict=True) if keep),
            n,
            self.total + sign * other.total,
            counts[kept],
            sums[kept],
            self.second + sign * other.second,
        )

    def _spread(self, labels: tuple[str, ...]) -> tuple[Int64s, Int64s]:
        """Counts and sums in the order of a larger set of labels."""
        counts = np.zeros(len(labels), np.int64)
        sums = np.zeros((len(labels), self.dim), np.int64)
        if self.labels:
            place = np.searchsorted(np.array(labels), np.array(self.labels))
            counts[place], sums[place] = self.counts, self.sums
        return counts, sums


def empty_moments(backbone: str, dim: int) -> Moments:
    """Return a memory of nothing."""
    zeros = np.zeros(dim, np.int64)
    return Moments(
        backbone,
        (),
        0,
        zeros,
        np.zeros(0, np.int64),
        np.zeros((0, dim), np.int64),
        np.zeros((dim, dim), np.int64),
    )


def sum_moments(backbone: str, dim: int, blocks: Iterable[tuple[npt.NDArray[np.int16], Labels]]) -> Moments:
    """Sum blocks of codes, int16 (rows, d), each with one tuple of labels a row.

    Order and partition into blocks do not matter: the sums are integers.
    """
    second, done = np.zeros((dim, dim)), np.zeros((dim, dim), np.int64)
    sums: dict[str, npt.NDArray[np.float64]] = {}
    counts: dict[str, int] = {}
    total, n, pending = np.zeros(dim), 0, 0
    for codes, labels in blocks:
        _check_block(codes, labels, dim)
        for start in range(0, len(codes), BLOCK_ROWS):
            values = codes[start : start + BLOCK_ROWS].astype(np.float64)
            _add_labels(values, labels[start : start + BLOCK_ROWS], sums, counts)
            total += values.sum(axis=0)
            if pending + len(values) > MAX_ROWS:
                done, second, pending = done + second.astype(np.int64), np.zeros((dim, dim)), 0
            second += values.T @ values
            n, pending = n + len(values), pending + len(values)
    order = tuple(sorted(counts))
    return Moments(
        backbone,
        order,
        n,
        total.astype(np.int64),
        np.array([counts[label] for label in order], np.int64),
        np.array([sums[label] for label in order]).reshape(len(order), dim).astype(np.int64),
        done + second.astype(np.int64),
    )


def _check_block(codes: npt.NDArray[np.int16], labels: Labels, dim: int) -> None:
    if codes.dtype != np.int16 or codes.ndim != 2 or codes.shape[1] != dim or len(labels) != len(codes):
        raise InputError(
            f"A block must be int16 (rows, {dim}) with one tuple of labels a row, "
            f"got {codes.dtype} {codes.shape} and {len(labels)} labels."
        )


def _add_labels(
    values: npt.NDArray[np.float64],
    labels: Labels,
    sums: dict[str, npt.NDArray[np.float64]],
    counts: dict[str, int],
) -> None:
    """Add a block to the sums of its labels; float64 sums of codes are exact below 2^38 rows."""
    rows_of: dict[str, list[int]] = {}
    for row, names in enumerate(labels):
        for name in names:
            rows_of.setdefault(name, []).append(row)
    for name, rows in rows_of.items():
        part = values[rows].sum(axis=0)
        sums[name] = sums[name] + part if name in sums else part
        counts[name] = counts.get(name, 0) + len(rows)
