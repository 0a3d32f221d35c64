"""Class-conditional conformal p-values from left-out probabilities.

The p-value of class c for an image is the share of left-out pictures of c (the image counted among
them) whose probability of c is no higher. The set of classes with p-value above alpha holds the
truth for a share of at least 1 - alpha of each class's new pictures, as far as new pictures are
exchangeable with the left-out ones.

Source: Vovk, Gammerman, Shafer 2005, "Algorithmic Learning in a Random World", section 4.5
(Mondrian conformal predictors); left-out scores as in Barber et al. 2021 (jackknife+).
"""

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from foveal.recognizers.statistics import Floats, Ints


def least_for(coverage: float) -> int:
    """How many independent left-out pictures a class needs before the coverage can be promised.

    >>> least_for(0.9), least_for(0.99)
    (9, 99)
    """
    return ceil(round(coverage / (1.0 - coverage), 9))


@dataclass(frozen=True, eq=False)
class Conformal:
    """Left-out probabilities of the true class, sorted within each class.

    `own` holds them class after class, class c from `starts[c]` to `starts[c + 1]`; `pooled` holds
    all of them sorted, for classes with fewer than `least_for(coverage)`.
    """

    own: Floats
    starts: Ints
    pooled: Floats

    def p_values(self, probabilities: Floats, coverage: float) -> Floats:
        """P-value of every class (C,) for an image with these probabilities (C,)."""
        values = np.empty(len(probabilities))
        least = least_for(coverage)
        for index, probability in enumerate(probabilities):
            begin, end = self.starts[index], self.starts[index + 1]
            own = self.own[begin:end] if end - begin >= least else self.pooled
            values[index] = (1 + np.searchsorted(own, probability, side="right")) / (len(own) + 1)
        return values

    def promised(self, coverage: float) -> npt.NDArray[np.bool_]:
        """Which classes (C,) have enough left-out pictures of their own for this coverage."""
        return np.diff(self.starts) >= least_for(coverage)


def make_conformal(own: Floats, class_index: Ints, n_classes: int) -> Conformal:
    """Sort left-out probabilities of the truth (n,) by class."""
    order = np.lexsort((own, class_index))
    starts = np.searchsorted(class_index[order], np.arange(n_classes + 1))
    return Conformal(own[order], starts.astype(np.int64), np.sort(own))
