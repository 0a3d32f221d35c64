"""Answers and the evidence behind them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Quality flags a prediction may carry, with what each tells a person.
FLAGS = {
    "blurred": "the picture is blurred",
    "tiny": "the picture is very small",
    "dark": "the picture is too dark",
    "bright": "the picture is washed out",
    "unlike": "the picture is unlike anything taught",
}


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Where the score of a label comes from: bias + contributions.sum() is the score."""

    label: str
    contributions: Floats  # (rows, columns), signed, row 0 is the top of the upright image
    bias: float

    @property
    def score(self) -> float:
        """The score this heat-map adds up to."""
        return self.bias + float(self.contributions.sum())


@dataclass(frozen=True)
class Influence:
    """A taught picture and what it does to the score of the answered label.

    `effect` is the score as it is minus the score if this picture were forgotten, the level of
    shrinkage held: above zero it raised the score.
    """

    example_id: int
    name: str
    labels: tuple[str, ...]
    effect: float


@dataclass(frozen=True, eq=False)
class Evidence:
    """Why: where in the picture, and which taught pictures decided."""

    heatmap: Heatmap
    raised: tuple[Influence, ...]  # strongest first
    lowered: tuple[Influence, ...]  # strongest first


@dataclass(frozen=True, eq=False)
class Prediction:
    """The answer for one image.

    `labels` is empty when the recognizer abstains, and `reason` then says why. `probabilities`
    are calibrated, one per class, in the order of `classes`; they sum to one for single-label
    recognizers and are independent for tags. `could_be` is the conformal set at `coverage`.
    """

    origin: str
    labels: tuple[str, ...]
    classes: tuple[str, ...]
    probabilities: Floats
    could_be: tuple[str, ...]
    coverage: float
    reason: str = ""
    flags: tuple[str, ...] = ()
    evidence: Evidence | None = field(default=None, repr=False)

    @property
    def label(self) -> str | None:
        """The first answered label, None when the recognizer abstains."""
        return self.labels[0] if self.labels else None

    @property
    def best(self) -> str:
        """The most probable class, also when the recognizer abstains."""
        return self.classes[int(self.probabilities.argmax())]

    @property
    def probability(self) -> float:
        """The calibrated probability of `best`."""
        return float(self.probabilities.max())

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, probabilities from most to least likely."""
        order = np.argsort(-self.probabilities, kind="stable")
        plain: dict[str, Any] = {
            "origin": self.origin,
            "label": self.label,
            "labels": list(self.labels),
            "best": self.best,
            "probability": self.probability,
            "could_be": list(self.could_be),
            "coverage": self.coverage,
            "reason": self.reason,
            "flags": list(self.flags),
            "probabilities": {self.classes[i]: float(self.probabilities[i]) for i in order},
        }
        if self.evidence is not None:
            plain["evidence"] = _evidence_to_dict(self.evidence)
        return plain


def _evidence_to_dict(evidence: Evidence) -> dict[str, Any]:
    def influences(rows: tuple[Influence, ...]) -> list[dict[str, Any]]:
        return [{"name": r.name, "labels": list(r.labels), "effect": r.effect} for r in rows]

    return {
        "label": evidence.heatmap.label,
        "score": evidence.heatmap.score,
        "bias": evidence.heatmap.bias,
        "contributions": evidence.heatmap.contributions.tolist(),
        "raised": influences(evidence.raised),
        "lowered": influences(evidence.lowered),
    }
