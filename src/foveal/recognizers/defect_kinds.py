"""What kind a defect is: the classifier of whole pictures, on what the worst patches show.

Its code is the mean of the patches, each weighted by the fourth power of its distance from good ones,
beside mean and spread of the whole picture.
"""

from collections.abc import Sequence

import numpy as np

from foveal.core.contracts import Code, Float32s
from foveal.memory.codes import make_code
from foveal.memory.moments import sum_moments
from foveal.memory.patch_codes import to_patches
from foveal.recognizers.classifier import Classifier, fit_classifier
from foveal.recognizers.inspector import Inspector
from foveal.recognizers.settings import Settings
from foveal.recognizers.statistics import Floats, Ints
from foveal.recognizers.taught import CodesInMemory, Taught

SHARPNESS = 4  # power of the distance by which patches are weighted


def make_kind_code(patches: Float32s, distances: Float32s) -> Code:
    """Code int16 (3d,) of a defective picture's features (P, d) with the distances (P,) of its patches."""
    vectors: Floats = patches.astype(np.float64)
    weights = (distances.ravel() / max(float(distances.max()), 1e-9)).astype(np.float64) ** SHARPNESS
    worst = weights @ vectors / weights.sum()
    return make_code(np.concatenate([worst, vectors.mean(axis=0), vectors.std(axis=0)]))


def fit_kinds(inspector: Inspector, codes: Code, kinds: Sequence[str], groups: Ints) -> Classifier:
    """Fit on patch codes int16 (n, P * d) of defective pictures, in canonical order, with their kinds and groups.

    Raises InputError for fewer than two kinds.
    """
    dim = inspector.shape[2]
    made = np.array([make_kind_code(to_patches(code, dim), inspector.patches.distances(to_patches(code, dim)))
                     for code in codes])  # fmt: skip
    order = np.argsort(groups, kind="stable")
    names = tuple((kinds[i],) for i in order)
    made, ids = made[order], np.arange(len(made))
    moments = sum_moments("defects", made.shape[1], [(made, names)])
    taught = Taught(ids, tuple(map(str, order)), names, groups[order], CodesInMemory(ids, made))
    return fit_classifier(moments, taught, Settings(priors="equal"))[0]
