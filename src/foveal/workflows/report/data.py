"""Everything a report shows, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foveal.audits.evaluation import Evaluation
from foveal.audits.finding import Finding
from foveal.audits.learning_curve import Curve


@dataclass(frozen=True)
class Shown:
    """One answered picture; `jpeg` is its thumbnail, empty where there is none."""

    jpeg: bytes
    name: str
    truth: str
    best: str
    probability: float
    answered: bool


@dataclass(frozen=True)
class ConfusedPair:
    """Two classes of which the first was taken for the second `n` times, with examples."""

    truth: str
    answer: str
    n: int
    examples: tuple[Shown, ...]


@dataclass(frozen=True, eq=False)
class Learning:
    """Measured (pictures a class, accuracy), the fitted curve, and what `more` pictures would buy.

    `now` is how many pictures a class has, more than the left-out figures could use.
    `buys` is the gain in accuracy of `more` pictures of every class (gain, low, high), None where
    it cannot be told; `by_class` the gain in recall of single classes of which it can.
    """

    points: tuple[tuple[float, float], ...]
    curve: Curve | None
    now: float
    more: int
    buys: tuple[float, float, float] | None
    by_class: Mapping[str, tuple[float, float, float]]


@dataclass(frozen=True, eq=False)
class ReportData:
    """A report: `figures` are the ones to quote, `estimate` the left-out ones where those are of test pictures.

    `card` is the model card as plain values, `findings` what the data doctor found (None: not asked),
    `repeat` the command that makes the page again.
    """

    name: str
    made: str
    card: Mapping[str, Any]
    figures: Evaluation
    estimate: Evaluation | None
    learning: Learning
    pairs: tuple[ConfusedPair, ...]
    mistakes: tuple[Shown, ...]
    unsure: tuple[Shown, ...]
    findings: tuple[Finding, ...] | None
    repeat: str
