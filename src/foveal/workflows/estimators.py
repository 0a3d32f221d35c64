"""scikit-learn estimators: images to codes, and the closed-form discriminant for any features."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from foveal.core.errors import MissingExtraError

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError:
    raise MissingExtraError("The scikit-learn estimators", "sklearn") from None

from foveal.backbones.catalog import DEFAULT, DEFAULT_VIEW, Options, open_backbone
from foveal.imaging.to_image import to_image
from foveal.memory.codes import make_code, to_unit
from foveal.recognizers.calibration import log_softmax
from foveal.recognizers.discriminant import decompose
from foveal.recognizers.leave_out import Projected
from foveal.recognizers.left_out_fit import choose_level
from foveal.recognizers.statistics import measure_arrays
from foveal.workflows.seeing import KEEP


class ImageEmbedder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turns paths, bytes, Pillow images or arrays into unit-length codes, float64 (n, d)."""

    def __init__(self, backbone: str = DEFAULT, view: str = DEFAULT_VIEW) -> None:
        self.backbone = backbone
        self.view = view

    def fit(self, X: Sequence[Any], y: Any = None) -> "ImageEmbedder":
        """Open the backbone; nothing is learned."""
        self.backbone_ = open_backbone(self.backbone, Options(view=self.view))
        return self

    def transform(self, X: Sequence[Any]) -> npt.NDArray[np.float64]:
        """Embed every image."""
        check_is_fitted(self, "backbone_")
        side = round(self.backbone_.card.input_size * KEEP)
        images = (to_image(x, at_least=side)[0] for x in X)
        return np.array([to_unit(make_code(self.backbone_.pool(image))) for image in images])


class DiscriminantClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Shrunken linear discriminant and calibration, both from left-out groups in closed form.

    `level`: shrinkage in (0, 1], None to choose it; `priors`: "taught" or "equal". `fit` takes
    `groups` (n,), which are left out together.
    """

    def __init__(self, level: float | None = None, priors: str = "taught") -> None:
        self.level = level
        self.priors = priors

    def fit(self, X: Any, y: Any, groups: Any = None) -> "DiscriminantClassifier":
        """Fit on features (n, d) and labels (n,)."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, index = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"Classifier can't train when only one class is present: {self.classes_[0]!r}.")
        index = index.astype(np.int64)
        statistics = measure_arrays(X, index, len(self.classes_))
        spectrum = decompose(statistics, X)
        counts = statistics.counts.astype(float) if self.priors == "taught" else np.ones(len(self.classes_))
        priors = np.log(counts / counts.sum())
        numbers = np.arange(len(X)) if groups is None else np.unique(groups, return_inverse=True)[1]
        rows = Projected(X @ spectrum.vectors, index, numbers.astype(np.int64))
        choice = choose_level(statistics, spectrum, [(np.arange(len(X)), rows)], np.ones(len(X), bool), self.level)
        self.shrinkage_, self.calibration_ = choice.shrinkage, choice.calibration
        inverse = spectrum.inverse(self.shrinkage_)
        weights = self.calibration_.sharpness * (statistics.means @ inverse)
        self.coef_ = weights
        self.intercept_ = priors + self.calibration_.offsets - 0.5 * np.einsum("cd,cd->c", weights, statistics.means)
        return self

    def decision_function(self, X: Any) -> npt.NDArray[np.float64]:
        """Scores (n, C); for two classes, the second's lead (n,)."""
        check_is_fitted(self, "coef_")
        X = validate_data(self, X, dtype=np.float64, reset=False)
        scores = np.asarray(X @ self.coef_.T + self.intercept_)
        return np.asarray(scores[:, 1] - scores[:, 0]) if len(self.classes_) == 2 else scores

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Calibrated probabilities (n, C)."""
        scores = self.decision_function(X)
        if scores.ndim == 1:
            scores = np.stack([np.zeros_like(scores), scores], axis=1)
        return np.asarray(np.exp(log_softmax(scores)))

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The most probable class of each row (n,)."""
        check_is_fitted(self, "coef_")
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
