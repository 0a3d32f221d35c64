"""Whether pictures of today still look like those that were taught."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb, log

import numpy as np

from foveal.core.image import Appearance

RATE = 0.2  # share of good pictures with a p-value at most this: common enough to count, rare enough to tell
CERTAIN = 0.001  # chance under which too many of them mean drift
LEAST = 20  # pictures without which nothing is told
SHIFTED = 0.9  # share of pairs in which a measure is higher now, or lower, from which it is named

MEASURES: dict[str, tuple[Callable[[Appearance], float], str, str]] = {
    "brightness": (lambda a: a.brightness, "brighter", "darker"),
    "contrast": (lambda a: a.contrast, "more contrast", "less contrast"),
    "sharpness": (lambda a: log(max(a.sharpness, 1e-3)), "sharper", "more blurred"),
    "border": (lambda a: a.border, "brighter at the border", "darker at the border"),
}


@dataclass(frozen=True)
class Reason:
    """A measure that has changed: medians before and now, and the share of pairs that are higher now."""

    measure: str
    said: str
    before: float
    now: float
    higher: float


@dataclass(frozen=True)
class Drift:
    """How many of n pictures are unusual, how likely that is by chance, and what has changed."""

    n: int
    n_unusual: int
    p_value: float
    reasons: tuple[Reason, ...]

    @property
    def is_certain(self) -> bool:
        """Whether good pictures are no longer what they were."""
        return self.n >= LEAST and self.p_value < CERTAIN

    def __str__(self) -> str:
        """One sentence for people."""
        told = "; ".join(reason.said for reason in self.reasons) or "no simple measure of the pixels tells why"
        if self.n < LEAST:
            return f"Too few pictures to tell drift from chance: {self.n}, at least {LEAST} are needed; {told}."
        if not self.is_certain:
            return (
                f"No drift: {self.n_unusual} of {self.n} pictures are unusual ({self.p_value:.2g} by chance); {told}."
            )
        return (
            f"Pictures are no longer like those taught: {self.n_unusual} of {self.n} are unusual, {RATE:.0%} expected; "
            f"now: {told}."
        )


def find_drift(taught: Sequence[Appearance], now: Sequence[Appearance], p_values: Sequence[float]) -> Drift:
    """Compare pictures of today, with their p-values as good ones, with the taught."""
    n_unusual = sum(p <= RATE for p in p_values)
    return Drift(len(p_values), n_unusual, _at_least(n_unusual, len(p_values)), _find_reasons(taught, now))


def _at_least(count: int, n: int) -> float:
    """Chance of at least so many of n independent events of chance RATE."""
    return float(sum(comb(n, k) * RATE**k * (1 - RATE) ** (n - k) for k in range(count, n + 1)))


def _find_reasons(taught: Sequence[Appearance], now: Sequence[Appearance]) -> tuple[Reason, ...]:
    reasons = []
    for name, (measure, more, less) in MEASURES.items():
        if not taught or not now:
            break
        before, after = (np.array([measure(one) for one in group]) for group in (taught, now))
        higher = float((after[:, None] > before).mean() + 0.5 * (after[:, None] == before).mean())
        if max(higher, 1 - higher) >= SHIFTED:
            said = more if higher > 0.5 else less
            reasons.append(Reason(name, said, float(np.median(before)), float(np.median(after)), higher))
    return tuple(sorted(reasons, key=lambda reason: -abs(reason.higher - 0.5)))
