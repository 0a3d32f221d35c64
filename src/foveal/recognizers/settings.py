"""What a user may ask of a recognizer; every value is stored as given."""

from dataclasses import dataclass

from foveal.core.errors import InputError


@dataclass(frozen=True)
class Settings:
    """How to decide.

    `coverage`: promised share of new pictures whose truth is in the "could be" set.
    `priors`: "taught" (as frequent as taught), "equal", or one weight per label, in `weights`.
    `level`: shrinkage g in (0, 1]; None chooses it from left-out groups.
    `answer_from`: where several classes or none could be, the least probability to answer with.
    `odd_below`: an image whose p-value is lower is "unlike anything taught".
    """

    coverage: float = 0.9
    priors: str = "taught"
    weights: tuple[tuple[str, float], ...] = ()
    level: float | None = None
    answer_from: float = 0.5
    odd_below: float = 0.01

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        if not 0.5 <= self.coverage < 1.0:
            raise InputError(f"coverage must be in [0.5, 1), got {self.coverage}.")
        if not 0.0 <= self.answer_from <= 1.0:
            raise InputError(f"answer_from must be in [0, 1], got {self.answer_from}.")
        if self.level is not None and not 0.0 < self.level <= 1.0:
            raise InputError(f"level must be in (0, 1], got {self.level}.")
        if self.priors not in ("taught", "equal", "given"):
            raise InputError(f"priors must be 'taught', 'equal' or 'given', got {self.priors!r}.")
        if any(weight <= 0 for _, weight in self.weights):
            raise InputError(f"prior weights must be above zero, got {dict(self.weights)}.")
