"""Scores of every picture with its own group left out, exactly and without refitting.

Leaving out group K changes T by D^T M D, where D (k, d) holds x_i - mu_c(i) and M = I + 1 1^T /
(n_c - k_c) within each class (a group of one: the factor n / (n - 1)). Woodbury's identity then
gives S'^-1, and means change by their own sums, so all left-out scores follow from inner products
x^T S^-1 x', x^T S^-1 mu and mu^T S^-1 mu. The slope and the ridge of S are held at their full-data
values, here and in the brute-force test alike.

Source: Woodbury 1950; for a group of one, Friedman 1989, section 3.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from foveal.recognizers.discriminant import Shrinkage, Spectrum
from foveal.recognizers.statistics import Floats, Ints


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Left-out raw scores (n, C) and squared Mahalanobis distance to the nearest class (n,).

    A class that lies wholly inside the left-out group has the score -inf.
    """

    scores: Floats
    distances: Floats


@dataclass(frozen=True, eq=False)
class Projected:
    """Vectors (n, d) in the basis of a spectrum, with class index and group number (n,) each.

    Rows of one group must be complete, in any order.
    """

    vectors: Floats
    class_index: Ints
    groups: Ints


def leave_groups_out(spectrum: Spectrum, counts: Ints, shrinkage: Shrinkage, rows: Projected) -> LeftOut:
    """Return the left-out scores of all rows; whole groups must be present."""
    diagonal = spectrum.inverse_diagonal(shrinkage)
    weighted_means = spectrum.means * diagonal
    mean_products = weighted_means @ spectrum.means.T  # (C, C): mu^T S^-1 mu
    products = rows.vectors @ weighted_means.T  # (n, C): x^T S^-1 mu
    scores = np.empty_like(products)
    distances = np.empty(len(products))
    for members in groups_of_equal_size(rows.groups):  # (groups, k)
        part = _Part(rows, members, products, diagonal)
        out = _leave_out_part(part, counts, mean_products, shrinkage.slope)
        scores[members], distances[members] = out.scores, out.distances
    return LeftOut(scores, distances)


class _Part:
    """Inner products of groups of one size k: rows (G, k, d) of G groups."""

    def __init__(self, rows: Projected, members: Ints, products: Floats, diagonal: Floats) -> None:
        vectors = rows.vectors[members]
        self.grams = (vectors * diagonal) @ vectors.transpose(0, 2, 1)  # (G, k, k): x^T S^-1 x'
        self.products = products[members]  # (G, k, C)
        self.classes = rows.class_index[members]  # (G, k)


def groups_of_equal_size(groups: Ints, most: int = 1024) -> Iterator[Ints]:
    """Yield row numbers (G, k), groups of k rows each, at most about `most` rows at once."""
    order = np.argsort(groups, kind="stable")
    _, starts, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    for size in np.unique(sizes):
        chosen = starts[sizes == size]
        step = max(1, most // int(size))
        for begin in range(0, len(chosen), step):
            yield order[chosen[begin : begin + step, None] + np.arange(size)]


def _leave_out_part(part: _Part, counts: Ints, mean_products: Floats, slope: float) -> LeftOut:
    classes, n_classes = part.classes, len(counts)
    same = (classes[:, :, None] == classes[:, None, :]).astype(np.float64)  # (G, k, k)
    taken = same.sum(axis=2)  # how many of the row's class leave with it
    left = counts[classes] - taken  # how many of the row's class stay
    # D S^-1 x' and D S^-1 mu, with D = x - mu_c.
    own = np.take_along_axis(part.products, classes[:, None, :], axis=2)  # (G, k', k): x'^T S^-1 mu_c
    own_means = mean_products[classes]  # (G, k, C)
    to_rows = part.grams - own.transpose(0, 2, 1)  # (G, k, k')
    to_means = part.products - own_means  # (G, k, C)
    to_own_means = np.take_along_axis(to_means, classes[:, None, :], axis=2)  # (G, k, k'): D S^-1 mu_c(k')
    among = to_rows - to_own_means  # D S^-1 D^T
    ones = np.divide(same, left[:, :, None], out=np.zeros_like(same), where=left[:, :, None] > 0)
    middle = np.eye(classes.shape[1]) + ones  # M, block-diagonal over classes
    # S'^-1 = S^-1 + S^-1 D^T K D S^-1 with K = slope (I - slope M D S^-1 D^T)^-1 M.
    kernel = np.linalg.solve(np.eye(classes.shape[1]) - slope * middle @ among, slope * middle)
    # New means: mu' = mu - (sum of the class's D rows) / (n_c - k_c), a step along D.
    member = (classes[:, :, None] == np.arange(n_classes)).astype(np.float64)  # (G, k, C)
    steps = np.divide(-member, left[:, :, None], out=np.zeros_like(member), where=left[:, :, None] > 0)
    gone = ((member > 0) & (left[:, :, None] <= 0)).any(axis=1)  # (G, C)
    new_to_means = to_means + among @ steps  # D S^-1 mu'
    rows_to_new = part.products + to_rows.transpose(0, 2, 1) @ steps  # x^T S^-1 mu'
    squared = np.diagonal(mean_products) + np.einsum("gkc,gkc->gc", steps, to_means + new_to_means)  # mu'^T S^-1 mu'
    pulled = kernel @ new_to_means  # K D S^-1 mu'
    cross = rows_to_new + to_rows.transpose(0, 2, 1) @ pulled
    squared = squared + np.einsum("gkc,gkc->gc", new_to_means, pulled)
    scores = np.where(gone[:, None, :], -np.inf, cross - 0.5 * squared[:, None, :])
    lengths = np.diagonal(part.grams, axis1=1, axis2=2) + np.einsum("gjk,gjk->gk", to_rows, kernel @ to_rows)
    return LeftOut(scores, lengths - 2.0 * scores.max(axis=2))
