"""Where a model comes from and what may be done with it."""

from dataclasses import asdict, dataclass
from typing import Any

from foveal.core.errors import ModelError


@dataclass(frozen=True)
class BackboneCard:
    """Provenance and input conventions of a frozen backbone.

    The pixels that enter are (rgb - mean) / std, per channel, on the 0..255 scale.
    """

    name: str
    source: str  # package, file or hub the weights come from
    sha256: str  # of the weights as distributed
    license_code: str  # SPDX
    license_weights: str  # SPDX
    commercial_use: bool
    input_size: int  # pixels a side
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    paper: str = ""
    published: str = ""  # the figure its authors publish

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "BackboneCard":
        """Build a card from plain values; raises ModelError naming what is missing or unknown."""
        try:
            return cls(**{**plain, "mean": tuple(plain["mean"]), "std": tuple(plain["std"])})
        except (KeyError, TypeError) as problem:
            fields = ", ".join(cls.__dataclass_fields__)
            raise ModelError(f"A backbone card needs the fields {fields}; got a problem with {problem}.") from None
