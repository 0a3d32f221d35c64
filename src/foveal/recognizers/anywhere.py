"""Parts that lie anywhere: a memory of good patches, and how far the nearest is.

Source: Roth et al. 2022 (PatchCore, arXiv 2106.08265), here with all directions whitened and the
memory chosen by farthest-first cover, several patches a round (Gonzalez 1985).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from foveal.core.contracts import Float32s
from foveal.memory.patch_codes import ROUNDING
from foveal.recognizers.good_pictures import GoodPictures, measure_patches
from foveal.recognizers.statistics import Ints

MEMORY = 6_000  # patches kept
ROUND = 500  # patches added before distances are measured again
RIDGE = 0.01  # of the mean variance, added before whitening
CHUNK = 256  # patches compared at a time


@dataclass(frozen=True, eq=False)
class Anywhere:
    """`project` (d, d) and `mean` (d,) whiten; `memory` (M, d) holds whitened good patches."""

    grid: tuple[int, int]
    project: Float32s
    mean: Float32s
    memory: Float32s

    def distances(self, patches: Float32s) -> Float32s:
        """Distance of each position (P,) of one picture's features (P, d) to its nearest good patch."""
        vectors = self.whiten(patches)
        lengths = _square(self.memory)
        nearest = np.concatenate([_compare(part, self.memory, lengths).min(axis=1) for part in _chunks(vectors)])
        return np.asarray(np.sqrt(np.maximum(nearest + _square(vectors), 0)))

    def whiten(self, patches: Float32s) -> Float32s:
        """Features (..., P, d) as they are compared: faded at the border, as the memory's are."""
        return _whiten(patches, self.grid, self.project, self.mean)


def fit_anywhere(good: GoodPictures, probes: GoodPictures | None = None) -> tuple[Anywhere, Float32s, Float32s]:
    """Fit on all good pictures; return it with left-out distances (n, P) and those of the probes (m, P).

    What is left out is the memory's patches of a picture's own group.
    """
    grid = good.shape[:2]
    project, mean = _directions(good)
    vectors = _whiten_all(good, project, mean)
    groups = np.repeat(good.groups, good.n_positions)
    chosen, left_out = _cover(vectors, groups)
    memory = vectors[chosen]
    probed = np.empty((0, good.n_positions), np.float32)
    if probes is not None:
        others = np.repeat(probes.groups, good.n_positions)
        flat = _whiten_all(probes, project, mean)
        near = np.full(len(flat), np.inf, np.float32)
        _lower(near, flat, memory, others, groups[chosen])
        probed = np.sqrt(near).reshape(len(probes), -1)
    return Anywhere(grid, project, mean, memory), np.sqrt(left_out).reshape(len(good), -1), probed


def _directions(good: GoodPictures) -> tuple[Float32s, Float32s]:
    """What whitens all patches: (d, d) and their mean (d,)."""
    mean, covariance = measure_patches(good, _fade(good.shape[:2]))
    spread = np.sqrt(np.maximum(np.diag(covariance), ROUNDING))
    values, vectors = np.linalg.eigh(covariance / np.outer(spread, spread))
    scale = np.sqrt(np.maximum(values, 0) + RIDGE * max(float(values.mean()), 1e-6))
    return (vectors / scale / spread[:, None]).astype(np.float32), mean.astype(np.float32)


def _fade(grid: tuple[int, int]) -> Float32s:
    """Share of each position's neighborhood that lies inside the picture (P,): borders are places of their own."""
    inside = [np.convolve(np.ones(side), np.ones(3), "same") / 3 for side in grid]
    return np.asarray(np.outer(*inside).astype(np.float32).ravel())


def _whiten(patches: Float32s, grid: tuple[int, int], project: Float32s, mean: Float32s) -> Float32s:
    return np.asarray((patches * _fade(grid)[:, None] - mean) @ project)


def _whiten_all(pictures: GoodPictures, project: Float32s, mean: Float32s) -> Float32s:
    """All patches (n * P, d), picture after picture."""
    every = np.empty((len(pictures), pictures.n_positions, len(mean)), np.float32)
    fade = _fade(pictures.shape[:2])
    for where, features in pictures.bands():
        every[:, where] = (features * fade[where, None] - mean) @ project
    return every.reshape(-1, len(mean))


def _cover(vectors: Float32s, groups: Ints) -> tuple[Ints, Float32s]:
    """Places of at most MEMORY patches that cover all, and squared distances (N,) to those of other groups.

    Begins with patches at even steps, then adds those farthest from all chosen, round after round.
    """
    step = max(1, len(vectors) // (2 * ROUND))
    fresh: Ints = np.arange(0, len(vectors), step, dtype=np.int64)
    chosen = fresh
    near = np.full(len(vectors), np.inf, np.float32)  # to any chosen patch
    apart = near.copy()  # to those of other groups
    while len(fresh):
        _lower(apart, vectors, vectors[fresh], groups, groups[fresh], near)
        near[fresh] = 0  # rounding leaves a little
        room = min(ROUND, MEMORY - len(chosen))
        if room <= 0:
            break
        # Of twice as many, every other one: neighbors of one odd spot come next to each other.
        far = np.argsort(-near, kind="stable")[: 2 * room : 2]
        fresh = far[near[far] > 0].astype(np.int64)
        chosen = np.concatenate([chosen, fresh])
    return chosen, apart


def _lower(
    apart: Float32s, vectors: Float32s, memory: Float32s, own: Ints, groups: Ints, near: Float32s | None = None
) -> None:
    """Lower squared distances (N,) to those of `memory` (M, d) of other groups; `near` to any of it."""
    same = groups[None, :] == np.arange(int(max(own.max(), groups.max())) + 1)[:, None]
    of_memory = _square(memory)
    for start in range(0, len(vectors), CHUNK):
        part = slice(start, start + CHUNK)
        lengths = _square(vectors[part])
        squares = _compare(vectors[part], memory, of_memory)
        if near is not None:
            np.minimum(near[part], np.maximum(squares.min(axis=1) + lengths, 0), out=near[part])
        squares[same[own[part]]] = np.inf
        np.minimum(apart[part], np.maximum(squares.min(axis=1) + lengths, 0), out=apart[part])


def _compare(vectors: Float32s, memory: Float32s, lengths: Float32s) -> Float32s:
    """Squared distances (n, M) less each vector's own squared length; `lengths` (M,) are those of the memory."""
    squares = (-2 * vectors) @ memory.T
    squares += lengths
    return np.asarray(squares)


def _square(vectors: Float32s) -> Float32s:
    """Squared lengths (n,)."""
    return np.asarray(np.einsum("ij,ij->i", vectors, vectors))


def _chunks(vectors: Float32s) -> Iterator[Float32s]:
    for start in range(0, len(vectors), CHUNK):
        yield vectors[start : start + CHUNK]
