"""Answers of an inspector: good or not, where, how large, and what it should look like."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

GOOD, DEFECT, OTHER = "good", "defect", "other"
VERDICTS = {
    GOOD: "good",
    DEFECT: "not good",
    OTHER: "not the part that was taught, or another view or light",
}


INSPECTOR = "inspector"  # the kind of recognizer, in workspaces and files


def is_inspector(settings: Mapping[str, Any]) -> bool:
    """Whether a workspace with these settings, or a file with this manifest, holds an inspector."""
    return settings.get("kind") == INSPECTOR


@dataclass(frozen=True, eq=False)
class Region:
    """A part of a picture that good pictures do not show.

    `box` is x0, y0, x1, y1 in pixels of the upright picture, half-open; `area` its pixels beyond the
    limit, in `mask`; `strength` its largest distance as a multiple of the limit; `peak` the row and column of
    that in the anomaly map.
    """

    box: tuple[int, int, int, int]
    area: int
    strength: float
    peak: tuple[int, int]
    mask: npt.NDArray[np.bool_] = field(repr=False)  # (points down, points across) over the whole picture


@dataclass(frozen=True)
class NearestGood:
    """Where a good picture shows most nearly what a suspicious patch should look like."""

    example_id: int
    name: str
    row: int  # in the anomaly map's grid
    column: int


@dataclass(frozen=True, eq=False)
class Inspection:
    """The answer for one picture; `anomaly_map` is float32 (rows, columns), 1 being the limit of good ones."""

    origin: str
    verdict: str  # a key of VERDICTS
    score: float
    threshold: float
    p_value: float  # share of good pictures that would score at least as high
    false_alarms: float  # the promised share of good pictures that are called not good
    width: int
    height: int
    anomaly_map: npt.NDArray[np.float32] = field(repr=False)
    regions: tuple[Region, ...] = ()
    flags: tuple[str, ...] = ()
    nearest: NearestGood | None = None
    kind: str = ""  # of the defect, where kinds were taught and one is likely enough
    kind_probability: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether nothing speaks against it."""
        return self.verdict == GOOD

    def to_dict(self, *, with_map: bool = False) -> dict[str, Any]:
        """Plain values for JSON; the map only where asked for."""
        plain: dict[str, Any] = {
            "origin": self.origin,
            "verdict": self.verdict,
            "score": self.score,
            "threshold": self.threshold,
            "p_value": self.p_value,
            "false_alarms": self.false_alarms,
            "width": self.width,
            "height": self.height,
            "flags": list(self.flags),
            "regions": [_region_to_dict(region) for region in self.regions],
        }
        if self.nearest is not None:
            plain["nearest_good"] = {"name": self.nearest.name, "row": self.nearest.row, "column": self.nearest.column}
        if self.kind:
            plain |= {"kind": self.kind, "kind_probability": self.kind_probability}
        if with_map:
            plain["anomaly_map"] = self.anomaly_map.tolist()
        return plain


def _region_to_dict(region: Region) -> dict[str, Any]:
    return {"box": list(region.box), "area": region.area, "strength": region.strength}
