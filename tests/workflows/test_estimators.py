"""The scikit-learn estimators keep scikit-learn's contract."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the extra sklearn is not installed")

from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks
from tests.pictures import SHAPES, draw_shape

from foveal.workflows.estimators import DiscriminantClassifier, ImageEmbedder


@parametrize_with_checks([DiscriminantClassifier(), DiscriminantClassifier(level=0.3, priors="equal")])
def test_contract(estimator, check):
    check(estimator)


def test_images_through_a_pipeline():
    pictures = [draw_shape(shape, seed) for shape in SHAPES for seed in range(8)]
    labels = [shape for shape in SHAPES for _ in range(8)]
    model = make_pipeline(ImageEmbedder(view="whole"), DiscriminantClassifier()).fit(pictures, labels)
    fresh = [draw_shape(shape, 90) for shape in SHAPES]
    assert model.predict(fresh).tolist() == list(SHAPES)


def test_groups_change_what_is_chosen():
    rng = np.random.default_rng(0)
    objects = rng.normal(size=(20, 30))
    X = np.repeat(objects, 6, axis=0) + 0.01 * rng.normal(size=(120, 30))
    y = np.repeat(np.arange(20) % 2, 6)
    alone = DiscriminantClassifier().fit(X, y)
    together = DiscriminantClassifier().fit(X, y, groups=np.repeat(np.arange(20), 6))
    assert (
        together.calibration_.sharpness < 0.5 * alone.calibration_.sharpness
        or together.shrinkage_.level > alone.shrinkage_.level
    )
