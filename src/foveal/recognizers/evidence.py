"""Why: contributions of positions, and the exact effect of forgetting a taught picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foveal.core.contracts import Code, Float32s
from foveal.core.prediction import Heatmap, Influence
from foveal.memory.codes import to_unit
from foveal.recognizers.classifier import Classifier
from foveal.recognizers.statistics import Floats, Ints
from foveal.recognizers.tagger import Tagger
from foveal.recognizers.taught import Taught


def measure_heatmap(label: str, weights: Floats, bias: float, code: Code, maps: Sequence[Float32s]) -> Heatmap:
    """Split the score weights . u + bias (u the unit vector of the code) over positions.

    A channel's part w_d u_d is shared among positions in proportion to sqrt(F[d, p]), as the
    square-root pooling made it, and the bias is spread evenly, so the contributions add up to the
    score exactly and their sign says for or against.
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
    return Heatmap(label, total + bias / total.size, 0.0)


def measure_influences(
    readout: Classifier | Tagger, taught: Taught, code: Code, column: int, most: int = 4
) -> tuple[tuple[Influence, ...], tuple[Influence, ...]]:
    """The taught pictures that most raised and most lowered the score of one column, strongest first.

    The effect of picture i of class c is exact: forgetting it changes T by the rank-one term
    -(n_c / (n_c - 1)) (x_i - mu_c)(x_i - mu_c)^T and mu_c by -(x_i - mu_c) / (n_c - 1), slope, ridge,
    calibration and prior held; scores count from the average class. The only picture of a class takes the class with it; its effect on
    its own class is the whole score. For a tag, forgetting picture i changes the fitted value at x
    by h(x, i) e_i / (1 - h(i, i)), h being the hat function and e_i the residual.
    """
    if isinstance(readout, Classifier):
        effects = _effects(readout, taught, to_unit(code), column)
    else:
        effects = _tag_effects(readout, taught, to_unit(code), column)
    order = np.argsort(-effects, kind="stable")
    raised = [i for i in order[:most] if effects[i] > 0]
    lowered = [i for i in order[::-1][:most] if effects[i] < 0]

    def rows(places: list[int]) -> tuple[Influence, ...]:
        return tuple(
            Influence(int(taught.ids[i]), taught.names[i], taught.labels[i], float(effects[i])) for i in places
        )

    return rows(raised), rows(lowered)


def _effects(classifier: Classifier, taught: Taught, vector: Floats, column: int) -> Floats:
    """Effect of every taught picture (n,) on the score of a column, relative to the average column."""
    place = {label: index for index, label in enumerate(classifier.labels)}
    classes = np.array([place[names[0]] for names in taught.labels], np.int64)
    counts = classifier.counts[classes].astype(np.float64)
    relative = -np.full(len(classifier.labels), 1.0 / len(classifier.labels))
    relative[column] += 1.0
    means = classifier.means
    query = _Query(vector, classifier.inverse @ vector, means, means @ classifier.inverse)
    effects, done = np.empty(len(taught)), 0
    for block in taught.codes.blocks(taught.ids):
        span = slice(done, done + len(block))
        changes = query.changes(to_unit(block), classes[span], counts[span], classifier)
        effects[span] = classifier.sharpness * (changes @ relative)
        done += len(block)
    only = (counts <= 1) & (classes == column)
    return np.where(only, abs(classifier.sharpness * (query.scores @ relative)), effects)


@dataclass(frozen=True, eq=False)
class _Query:
    """One image against all class means, and how its raw scores change when taught pictures go."""

    vector: Floats
    to_vector: Floats  # S^-1 x
    means: Floats
    to_means: Floats  # mu^T S^-1, (C, d)

    @property
    def scores(self) -> Floats:
        """Raw scores (C,)."""
        return np.asarray(self.to_means @ self.vector - 0.5 * self.lengths)

    @property
    def lengths(self) -> Floats:
        """mu^T S^-1 mu, (C,)."""
        return np.asarray(np.einsum("cd,cd->c", self.to_means, self.means))

    def changes(self, units: Floats, classes: Ints, counts: Floats, classifier: Classifier) -> Floats:
        """Raw scores as they are minus those without each of n pictures, (n, C)."""
        apart = units - self.means[classes]
        own = (classes[:, None] == np.arange(len(self.means))).astype(np.float64)
        along_vector = (apart @ self.to_vector)[:, None]
        along_means = apart @ self.to_means.T
        leverage = np.einsum("nd,nd->n", apart @ classifier.inverse, apart)[:, None]
        stays = np.where(counts > 1, counts - 1.0, np.inf)[:, None]
        factor = classifier.shrinkage.slope * (1.0 + 1.0 / stays)
        gain = factor / (1.0 - factor * leverage)
        step = own / stays  # m' = m - step d, and S'^-1 = A + gain A d d^T A
        after = along_means - step * leverage
        cross = self.to_means @ self.vector - step * along_vector + gain * after * along_vector
        lengths = self.lengths - step * (along_means + after) + gain * after**2
        return np.asarray(self.scores - (cross - 0.5 * lengths))


def _tag_effects(tagger: Tagger, taught: Taught, vector: Floats, column: int) -> Floats:
    n, has = len(taught), np.array([tagger.labels[column] in names for names in taught.labels], np.float64)
    to_vector = tagger.inverse @ (vector - tagger.mean)
    weights = tagger.weights[column] / tagger.sharpness
    effects, done = np.empty(n), 0
    for block in taught.codes.blocks(taught.ids):
        span = slice(done, done + len(block))
        apart = to_unit(block) - tagger.mean
        residual = has[span] - (has.mean() + apart @ weights)
        own = 1.0 / n + np.einsum("nd,nd->n", apart @ tagger.inverse, apart)
        effects[span] = (1.0 / n + apart @ to_vector) * residual / (1.0 - own)
        done += len(block)
    return tagger.sharpness * effects
