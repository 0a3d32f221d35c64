"""Why: contributions of positions, and the exact effect of forgetting a taught picture."""

from collections.abc import Sequence

import numpy as np

from foveal.core.contracts import Code, Float32s
from foveal.core.prediction import Heatmap, Influence
from foveal.memory.codes import to_unit
from foveal.recognizers.classifier import Classifier
from foveal.recognizers.statistics import Floats
from foveal.recognizers.taught import Taught


def measure_heatmap(label: str, weights: Floats, bias: float, code: Code, maps: Sequence[Float32s]) -> Heatmap:
    """Split the score weights . u + bias (u the unit vector of the code) over positions.

    A channel's part w_d u_d is shared among positions in proportion to sqrt(F[d, p]), as the
    square-root pooling made it, so the contributions and the bias add up to the score exactly.
    `maps` are the backbone's feature maps (d_i, rows_i, columns_i); smaller grids are spread
    evenly over the largest, whose sides must be multiples of theirs.
    """
    unit = to_unit(code)
    rows, columns = max((m.shape[1], m.shape[2]) for m in maps)
    total = np.zeros((rows, columns))
    start = 0
    for feature_map in maps:
        depth = feature_map.shape[0]
        roots = np.sqrt(feature_map.astype(np.float64))
        sums = roots.sum(axis=(1, 2))
        part = weights[start : start + depth] * unit[start : start + depth]
        share = np.divide(part, sums, out=np.zeros(depth), where=sums > 0)
        lost = float(part[sums <= 0].sum())  # channels silent here whose code rounds to other than zero: none
        grid = np.tensordot(share, roots, axes=1) + lost / (roots.shape[1] * roots.shape[2])
        down, across = rows // grid.shape[0], columns // grid.shape[1]
        total += np.kron(grid, np.ones((down, across))) / (down * across)
        start += depth
    return Heatmap(label, total, bias)


def measure_influences(
    classifier: Classifier, taught: Taught, code: Code, column: int, most: int = 4
) -> tuple[tuple[Influence, ...], tuple[Influence, ...]]:
    """The taught pictures that most raised and most lowered the score of one column, strongest first.

    The effect of picture i of class c is exact: forgetting it changes T by the rank-one term
    -(n_c / (n_c - 1)) (x_i - mu_c)(x_i - mu_c)^T and mu_c by -(x_i - mu_c) / (n_c - 1), slope, ridge,
    temperature and prior held. The only picture of a class takes the class with it; its effect on
    its own class is the whole score.
    """
    effects = _effects(classifier, taught, to_unit(code), column)
    order = np.argsort(-effects, kind="stable")
    raised = [i for i in order[:most] if effects[i] > 0]
    lowered = [i for i in order[::-1][:most] if effects[i] < 0]

    def rows(places: list[int]) -> tuple[Influence, ...]:
        return tuple(
            Influence(int(taught.ids[i]), taught.names[i], taught.labels[i], float(effects[i])) for i in places
        )

    return rows(raised), rows(lowered)


def _effects(classifier: Classifier, taught: Taught, vector: Floats, column: int) -> Floats:
    means, inverse, slope = classifier.means, classifier.inverse, classifier.shrinkage.slope
    place = {label: index for index, label in enumerate(classifier.labels)}
    classes = np.array([place[names[0]] for names in taught.labels], np.int64)
    counts = classifier.counts[classes].astype(np.float64)
    to_vector, to_mean = inverse @ vector, inverse @ means[column]
    along_vector, along_mean, lengths = np.empty(len(taught)), np.empty(len(taught)), np.empty(len(taught))
    done = 0
    for block in taught.codes.blocks(taught.ids):
        span = slice(done, done + len(block))
        apart = to_unit(block) - means[classes[span]]
        along_vector[span], along_mean[span] = apart @ to_vector, apart @ to_mean
        lengths[span] = np.einsum("nd,nd->n", apart @ inverse, apart)
        done += len(block)
    # Score of a mean m: m^T A x - m^T A m / 2, with A' = A + k A d d^T A and m' = m - step d.
    factor = np.divide(counts, counts - 1.0, out=np.zeros_like(counts), where=counts > 1) * slope
    gain = factor / (1.0 - factor * lengths)
    step = np.divide(1.0, counts - 1.0, out=np.zeros_like(counts), where=counts > 1) * (classes == column)
    mean_after = along_mean - step * lengths  # d^T A m'
    cross = means[column] @ to_vector - step * along_vector + gain * mean_after * along_vector
    squared = means[column] @ to_mean - step * (along_mean + mean_after) + gain * mean_after**2
    before = means[column] @ to_vector - 0.5 * (means[column] @ to_mean)
    effects = classifier.sharpness * (before - (cross - 0.5 * squared))
    only = (counts <= 1) & (classes == column)
    return np.where(only, abs(classifier.sharpness * before), effects)
