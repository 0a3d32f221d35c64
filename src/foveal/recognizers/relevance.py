"""Learning from "more like this" and "not this", and choosing a varied few."""

import numpy as np

from foveal.core.contracts import Float32s
from foveal.recognizers.statistics import Floats, Ints

HOLD = 1.0  # how strongly the new query is held to the old one
VARIETY = 0.3  # of the choice; the rest is similarity


def revise_query(query: Float32s, liked: Float32s, disliked: Float32s) -> Float32s:
    """The query (k,) closest to the old one that likes vectors (p, k) and not others (r, k), of unit length.

    Minimizes HOLD |w - q|^2 + sum over liked (w . x - 1)^2 + sum over disliked (w . x)^2, in closed form: with X all
    of them and t their targets, w = q + X^T (HOLD I + X X^T)^-1 (t - X q). A ridge regression around the query, in
    place of Rocchio's weights (Rocchio 1971).
    """
    told = np.concatenate([liked, disliked]).astype(np.float64)
    targets = np.concatenate([np.ones(len(liked)), np.zeros(len(disliked))])
    start = query.astype(np.float64)
    away = np.linalg.solve(HOLD * np.eye(len(told)) + told @ told.T, targets - told @ start)
    revised = start + told.T @ away
    return (revised / (np.linalg.norm(revised) or 1.0)).astype(np.float32)


def choose_varied(vectors: Float32s, relevance: Floats, k: int, alike: float) -> list[int]:
    """Rows of vectors (n, k) in the order chosen: relevant, and unlike those chosen before.

    Maximal marginal relevance (Carbonell and Goldstein 1998, eq. 1); what is more similar than `alike` to one chosen
    before is passed over altogether.
    """
    chosen: list[int] = []
    nearest = np.full(len(vectors), -np.inf)
    open_ = np.ones(len(vectors), np.bool_)
    while len(chosen) < k and open_.any():
        gain = (1.0 - VARIETY) * relevance - VARIETY * (nearest if chosen else 0.0)
        best = int(np.where(open_, gain, -np.inf).argmax())
        chosen.append(best)
        nearest = np.maximum(nearest, vectors @ vectors[best])
        open_ &= nearest < alike
        open_[best] = False
    return chosen


def link_on_average(similar: Floats, least: float) -> Ints:
    """Group numbers (n,) from similarities (n, n): the two groups most alike on average are joined, while they reach `least`.

    Average linkage (Sokal and Michener 1958); groups are numbered by size, the largest first.
    """
    n = len(similar)
    mean = similar.astype(np.float64).copy()
    np.fill_diagonal(mean, -np.inf)
    sizes, group = np.ones(n), np.arange(n)
    nearest = mean.argmax(axis=1) if n else np.zeros(0, np.int64)
    best = mean[np.arange(n), nearest]
    while n and (a := int(best.argmax())) >= 0 and best[a] >= least:
        b = int(nearest[a])
        joined = (sizes[a] * mean[a] + sizes[b] * mean[b]) / (sizes[a] + sizes[b])
        mean[a], mean[:, a], mean[b], mean[:, b] = joined, joined, -np.inf, -np.inf
        mean[a, a] = -np.inf
        sizes[a] += sizes[b]
        group[group == b] = a
        stale = np.flatnonzero((nearest == a) | (nearest == b) | (np.arange(n) == a) | (mean[:, a] > best))
        nearest[stale] = mean[stale].argmax(axis=1)
        best[stale] = mean[stale, nearest[stale]]
        best[b] = -np.inf
    names, counts = np.unique(group, return_counts=True)
    rank = {int(names[i]): place for place, i in enumerate(np.lexsort((names, -counts)))}
    return np.array([rank[int(number)] for number in group], np.int64)
