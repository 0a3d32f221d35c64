"""Shrunken linear discriminant in closed form.

With class means mu_c, T the scatter within classes, N codes, C classes and d dimensions,
S = (1 - g) T / (N - C) + g tr(T) / ((N - C) d) I, and the score of class c for x is
t (mu_c^T S^-1 x - mu_c^T S^-1 mu_c / 2) + log prior_c, whose softmax is the probability.

Source: Friedman 1989, "Regularized Discriminant Analysis", eq. 18 with one pooled covariance;
temperature t as in Guo et al. 2017, "On Calibration of Modern Neural Networks", eq. 9.
"""

from dataclasses import dataclass

import numpy as np

from foveal.recognizers.statistics import Floats, Statistics


@dataclass(frozen=True)
class Shrinkage:
    """S = slope * T + ridge * I; `level` is the g it came from."""

    level: float
    slope: float
    ridge: float


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues (k,) and eigenvectors (d, k) of T, and the class means in that basis (C, k).

    k is d, or less where the basis spans all taught vectors; what is outside it meets the ridge alone.
    """

    values: Floats
    vectors: Floats
    means: Floats

    def inverse_diagonal(self, shrinkage: Shrinkage) -> Floats:
        """The diagonal of S^-1 in the basis of the eigenvectors."""
        return np.asarray(1.0 / (shrinkage.slope * self.values + shrinkage.ridge))

    def inverse(self, shrinkage: Shrinkage) -> Floats:
        """S^-1, (d, d), symmetric to the last bit so that half of it can be kept."""
        diagonal, (dim, k) = self.inverse_diagonal(shrinkage), self.vectors.shape
        if k == dim:
            half = self.vectors * np.sqrt(diagonal)
            return np.asarray(half @ half.T)
        half = self.vectors * np.sqrt(1.0 / shrinkage.ridge - diagonal)
        return np.asarray(np.eye(dim) / shrinkage.ridge - half @ half.T)


def decompose(statistics: Statistics, vectors: Floats | None = None) -> Spectrum:
    """Diagonalize the scatter once, so that every level of shrinkage is a diagonal.

    Where all taught `vectors` (n, d) are given and few, only their span is diagonalized.
    """
    if vectors is None or not is_few(len(vectors), statistics.dim):
        values, basis = np.linalg.eigh(statistics.scatter)
    else:
        span = np.linalg.qr(vectors.T)[0]
        values, inner = np.linalg.eigh(span.T @ statistics.scatter @ span)
        basis = span @ inner
    return Spectrum(np.maximum(values, 0.0), basis, statistics.means @ basis)


def is_few(n: int, dim: int) -> bool:
    """Whether n vectors of length `dim` are few enough for their span to be less work than the whole space."""
    return 2 * n <= dim


def shrink(statistics: Statistics, level: float) -> Shrinkage:
    """The shrinkage of level g in (0, 1].

    Where every class has one picture there is no scatter within classes; then S = s I with s the
    mean squared distance of the class means from their mean, per dimension.
    """
    freedom = statistics.n - statistics.n_classes
    trace = float(np.trace(statistics.scatter))
    if freedom <= 0 or trace <= 0.0:
        spread = float(np.square(statistics.means - statistics.means.mean(axis=0)).mean()) or 1.0
        return Shrinkage(1.0, 0.0, spread)
    return Shrinkage(level, (1.0 - level) / freedom, level * trace / (freedom * statistics.dim))


def raw_scores(means: Floats, inverse: Floats, vectors: Floats) -> Floats:
    """mu_c^T S^-1 x - mu_c^T S^-1 mu_c / 2 for vectors (n, d): (n, C), no temperature, no prior."""
    weights = means @ inverse
    return np.asarray(vectors @ weights.T - 0.5 * np.einsum("cd,cd->c", weights, means))
