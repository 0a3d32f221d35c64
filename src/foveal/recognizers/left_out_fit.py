"""Choosing the shrinkage and the calibration on left-out groups, streaming over the codes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foveal.core.contracts import Progress
from foveal.memory.codes import to_unit
from foveal.recognizers.calibration import Calibration, fit_calibration
from foveal.recognizers.discriminant import Shrinkage, Spectrum, shrink
from foveal.recognizers.leave_out import LeftOut, Projected, leave_groups_out
from foveal.recognizers.levels import search_levels
from foveal.recognizers.statistics import Floats, Ints, Statistics
from foveal.recognizers.taught import Taught

ROWS_AT_ONCE = 2048  # whole groups are read until there are this many rows
ROWS_TO_CHOOSE = 4096  # levels are compared on at most about this many rows


Part = tuple[Ints, Projected]  # positions among the taught, and their projected vectors


@dataclass(frozen=True, eq=False)
class Choice:
    """A level of shrinkage, and how its left-out scores become probabilities."""

    shrinkage: Shrinkage
    calibration: Calibration


@dataclass(frozen=True, eq=False)
class Rows:
    """The taught pictures as a fit sees them: class index and group number (n,) each."""

    taught: Taught
    class_index: Ints
    spectrum: Spectrum

    @property
    def is_thinned(self) -> bool:
        """Whether levels are compared on a part of the rows only."""
        return len(self.taught) > ROWS_TO_CHOOSE

    def some_parts(self) -> list[Part]:
        """All parts, or those of every k-th group so that about ROWS_TO_CHOOSE rows remain."""
        thin = int(np.ceil(len(self.taught) / ROWS_TO_CHOOSE))
        return list(self.parts(self.taught.groups % thin == 0 if thin > 1 else None))

    def parts(self, wanted: npt.NDArray[np.bool_] | None = None) -> Iterator[Part]:
        """Yield positions and projected vectors of whole groups, about ROWS_AT_ONCE rows each."""
        taught = self.taught
        everything = np.arange(len(taught)) if wanted is None else np.flatnonzero(wanted)
        groups = taught.groups[everything]
        ends = np.append(np.flatnonzero(np.diff(groups)) + 1, len(groups))
        start = 0
        for end, following in zip(ends, np.append(ends[1:], ends[-1]), strict=True):
            if following - start > ROWS_AT_ONCE or end == len(groups):
                yield self._project(everything[start:end])
                start = end

    def _project(self, positions: Ints) -> Part:
        vectors = np.empty((len(positions), len(self.spectrum.values)))
        done = 0
        for block in self.taught.codes.blocks(self.taught.ids[positions]):
            vectors[done : done + len(block)] = to_unit(block) @ self.spectrum.vectors
            done += len(block)
        return positions, Projected(vectors, self.class_index[positions], self.taught.groups[positions])


def choose_level(
    statistics: Statistics,
    spectrum: Spectrum,
    parts: list[Part],
    countable: npt.NDArray[np.bool_],
    level: float | None = None,
) -> Choice:
    """Return the level with the least left-out log loss, calibrated for the priors as taught.

    `parts` are whole groups, such as `Rows.some_parts()`; `countable` (n,) marks rows whose loss
    counts. A group counts once, however many pictures it has: they say much the same.
    """

    def calibrate(candidate: float, *, per_class: bool) -> Calibration:
        shrinkage = shrink(statistics, candidate)
        scores, truth, groups = [np.empty((0, statistics.n_classes))], [np.empty(0, np.int64)], []
        for positions, part in parts:
            out = leave_groups_out(spectrum, statistics.counts, shrinkage, part)
            kept = countable[positions] & _has_truth(out, part.class_index)
            scores.append(out.scores[kept])
            truth.append(part.class_index[kept])
            groups.append(part.groups[kept])
        rows, weights = np.concatenate(truth), _share_of_group(groups)
        log_priors = _log_frequencies(rows, weights, statistics.counts)
        return fit_calibration(np.concatenate(scores), rows, log_priors, weights, per_class=per_class)

    if level is None:
        level = search_levels(lambda candidate: calibrate(candidate, per_class=False).log_loss)
    return Choice(shrink(statistics, level), calibrate(level, per_class=True))


def left_out_scores(
    statistics: Statistics, rows: Rows, parts: Iterable[Part], choice: Choice, progress: Progress
) -> tuple[npt.NDArray[np.float32], Floats]:
    """Left-out scores (n, C), float32 to stay small, calibrated, without priors, and distances (n,)."""
    n = len(rows.taught)
    scores: npt.NDArray[np.float32] = np.empty((n, statistics.n_classes), np.float32)
    distances = np.empty(n)
    done = 0
    for positions, part in parts:
        out = leave_groups_out(rows.spectrum, statistics.counts, choice.shrinkage, part)
        scores[positions] = choice.calibration.sharpness * out.scores + choice.calibration.offsets
        distances[positions] = out.distances
        done += len(positions)
        progress("leaving groups out", done, n)
    return scores, distances


def _share_of_group(groups: list[Ints]) -> Floats:
    """One over the rows of each row's group (n,)."""
    if not groups:
        return np.empty(0)
    _, number, sizes = np.unique(np.concatenate(groups), return_inverse=True, return_counts=True)
    return np.asarray(1.0 / sizes[number])


def _log_frequencies(truth: Ints, weights: Floats, counts: Ints) -> Floats:
    """Log priors (C,) as frequent as the weighted rows are; as the counts are, where a class has no row."""
    found = np.bincount(truth, weights, minlength=len(counts))
    return np.asarray(np.log(np.where(found > 0, found, counts * max(found.sum(), 1.0) / counts.sum())))


def _has_truth(out: LeftOut, class_index: Ints) -> npt.NDArray[np.bool_]:
    return np.isfinite(np.take_along_axis(out.scores, class_index[:, None], axis=1)[:, 0])
