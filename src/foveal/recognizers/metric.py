"""What "similar" means in a gallery: a linear map of codes, after which the cosine is taken.

plain: the codes as they are. whitened: centered, on the leading principal axes, each divided by the square root
of its standard deviation, which quiets what all pictures share. taught: the axes along which items differ, scaled
by how much more they differ than pictures of one item do; the linear discriminant of Fisher 1936 with the weights
e / (1 + e) of probabilistic linear discriminant analysis (Ioffe 2006, doi:10.1007/11744085_41).
"""

import hashlib
from dataclasses import dataclass
from typing import final

import numpy as np

from foveal.core.contracts import Code, Float32s
from foveal.memory.codes import to_unit
from foveal.recognizers.statistics import Floats, Ints

PLAIN, WHITENED, TAUGHT = "plain", "whitened", "taught"
AXES = 128  # numbers of a vector
HALF_POWER = 0.25  # of the variance: the square root of the standard deviation
# Of the mean ratio: what directions are worth in which no two items were seen to differ; more where labels are broad
# and what differs inside them is to be told apart too.
RESIDUAL, BROAD = 0.02, 1.0
PRINCIPAL = 1024  # axes that the discriminant is looked for in
BLOCK = 4096  # codes projected at once


@final
@dataclass(frozen=True, eq=False)
class Metric:
    """Maps the unit vector u of a code to (u - mean) @ axes, scaled to unit length; without axes, to u itself."""

    kind: str  # PLAIN, WHITENED or TAUGHT
    mean: Floats  # (d,)
    axes: Floats | None  # (d, k)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return len(self.mean) if self.axes is None else int(self.axes.shape[1])

    @property
    def id(self) -> str:
        """Differs whenever vectors may differ."""
        digest = hashlib.sha256(f"{self.kind} {self.dim}".encode() + self.mean.astype("<f8").tobytes())
        if self.axes is not None:
            digest.update(np.ascontiguousarray(self.axes, "<f8").data)
        return digest.hexdigest()[:16]

    def project(self, codes: Code) -> Float32s:
        """Vectors float32 (n, k) of codes int16 (n, d), of unit length; in float64 inside, so that blocks agree."""
        vectors = np.empty((len(codes), self.dim), np.float32)
        for start in range(0, len(codes), BLOCK):
            rows = slice(start, start + BLOCK)
            vectors[rows] = scale_to_unit(self.map(to_unit(codes[rows])))
        return vectors

    def map(self, units: Floats) -> Floats:
        """Unit vectors (n, d) to vectors (n, k), not yet of unit length."""
        return units if self.axes is None else (units - self.mean) @ self.axes

    def weigh(self, code: Code, other: Float32s) -> tuple[Floats, float]:
        """Weights (d,) and bias with which the similarity of a code to a vector is weights . u + bias, exactly."""
        unit = to_unit(code)
        length = float(np.linalg.norm(self.map(unit[None])[0])) or 1.0
        weights = (other if self.axes is None else self.axes @ other.astype(np.float64)) / length
        return np.asarray(weights, np.float64), -float(weights @ self.mean) if self.axes is not None else 0.0


def scale_to_unit(vectors: Floats) -> Floats:
    """Rows (n, k) scaled to unit length; those without any stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0)


def make_plain(dim: int) -> Metric:
    """Codes as they are."""
    return Metric(PLAIN, np.zeros(dim), None)


@dataclass(frozen=True, eq=False)
class Principal:
    """Mean (d,), axes (d, m) and variances (m,) of vectors, the widest first."""

    mean: Floats
    axes: Floats
    variances: Floats


def find_principal(units: Floats, most: int = PRINCIPAL) -> Principal:
    """Principal axes of vectors (n, d), at most n - 1."""
    mean = units.mean(axis=0)
    centered = units - mean
    values, vectors = np.linalg.eigh(centered.T @ centered / max(1, len(units) - 1))
    kept = max(1, min(most, len(units) - 1, int(np.count_nonzero(values > 1e-12 * values[-1]))))
    return Principal(mean, vectors[:, ::-1][:, :kept], values[::-1][:kept])


def make_whitened(principal: Principal) -> Metric:
    """The leading axes, quieted by the square root of their standard deviation."""
    scale = principal.variances[:AXES] ** HALF_POWER
    return Metric(WHITENED, principal.mean, _rounded(principal.axes[:, :AXES] / scale))


def make_taught(
    principal: Principal, units: Floats, items: Ints, shrinkage: float, residual: float = RESIDUAL
) -> Metric:
    """The discriminant of items 0..C-1, of which some have several of the vectors (n, d).

    The scatter within items is pulled towards a sphere by `shrinkage` in (0, 1).
    """
    axes = discriminate((units - principal.mean) @ principal.axes, items, shrinkage, residual)
    return Metric(TAUGHT, principal.mean + principal.axes @ axes.mean, _rounded(principal.axes @ axes.axes))


def _rounded(axes: Floats) -> Floats:
    """Axes as a file keeps them, in single precision."""
    return axes.astype(np.float32).astype(np.float64)


def discriminate(rows: Floats, items: Ints, shrinkage: float, residual: float = RESIDUAL) -> Principal:
    """The discriminant within principal coordinates (n, m): its center (m,), axes (m, k) scaled, and their ratios."""
    counts = np.bincount(items)
    means = np.zeros((len(counts), rows.shape[1]))
    np.add.at(means, items, rows)
    means /= np.maximum(counts, 1)[:, None]
    apart = rows - means[items]
    within = apart.T @ apart / max(1, len(rows) - len(counts))
    m = rows.shape[1]
    level = np.trace(within) / m
    values, vectors = np.linalg.eigh((1 - shrinkage) * within + shrinkage * level * np.eye(m))
    whiten = vectors / np.sqrt(np.maximum(values, 1e-12))
    center = means.mean(axis=0)
    between = (means - center) @ whiten
    ratios, turned = np.linalg.eigh(between.T @ between / len(counts))
    ratios = np.maximum(ratios[::-1][:AXES], 0.0) + residual * float(np.square(between).sum()) / len(counts) / m
    scaled = whiten @ turned[:, ::-1][:, :AXES] * np.sqrt(ratios / (1.0 + ratios))
    return Principal(center, scaled, ratios)
