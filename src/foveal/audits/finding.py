"""One thing the data doctor found."""

from dataclasses import asdict, dataclass
from typing import Any

SEVERITIES = ("error", "warning", "note")


def say_how_many(n: int, one: str, many: str) -> str:
    """A number with what is said of one, or of several.

    >>> say_how_many(1, "file is", "files are"), say_how_many(2, "file is", "files are")
    ('1 file is', '2 files are')
    """
    return f"{n} {one if n == 1 else many}"


@dataclass(frozen=True)
class Finding:
    """What was found, in which pictures, how much it matters, and what to do."""

    kind: str  # "exact copies", "likely wrong label", ...
    severity: str  # one of SEVERITIES
    names: tuple[str, ...]  # the pictures or classes it is about
    message: str
    remedy: str
    measure: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "names": list(self.names)}
