"""How the scores of watched sources develop, and when their level changed."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from foveal.core.errors import InputError, StoreError
from foveal.core.inspection import GOOD
from foveal.metrics.change_point import Change, find_change
from foveal.store.journal import JOURNAL, Journal, Sighting
from foveal.workflows.report.page import fill_template
from foveal.workflows.report.plots import plot_trend

CERTAIN = 0.01  # p-value under which a change is told


@dataclass(frozen=True, eq=False)
class Trend:
    """Scores of one source, oldest first, and their change of level, None where there is none."""

    source: str
    sightings: tuple[Sighting, ...]
    change: Change | None

    @property
    def changed_at(self) -> datetime | None:
        """When the level changed, in local time."""
        return (
            None if self.change is None else datetime.fromtimestamp(self.sightings[self.change.place].time).astimezone()
        )

    @property
    def scores(self) -> list[float]:
        """Score of every sighting."""
        return [float(s.score) for s in self.sightings if s.score is not None]

    def __str__(self) -> str:
        """One line for people."""
        n_bad = sum(s.verdict != GOOD for s in self.sightings)
        told = f"{self.source}: {len(self.sightings)} pictures, {n_bad} not good"
        if self.change is None or self.changed_at is None:
            return f"{told}; the level is steady"
        return (
            f"{told}; level changed from {self.change.before:.2f} to {self.change.after:.2f} "
            f"at {self.changed_at:%Y-%m-%d %H:%M} (p = {self.change.p_value:.2g})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        change = None
        if self.change is not None and self.changed_at is not None:
            change = {
                "time": self.changed_at.isoformat(),
                "p_value": self.change.p_value,
                "before": self.change.before,
                "after": self.change.after,
            }
        return {"source": self.source, "n": len(self.sightings), "change": change, "scores": self.scores}


def measure_trends(folder: str | Path, most: int) -> list[Trend]:
    """The trend of every source in a journal; raises InputError where there is no journal."""
    if not (Path(folder) / JOURNAL).is_file():
        raise InputError(
            f"There is no journal in {folder}. Watch something first: foveal watch SOURCE --journal {folder}"
        )
    trends = []
    with Journal(folder) as journal:
        for source in journal.sources():
            sightings = journal.recent(most, source)
            change = find_change(np.array([s.score for s in sightings], np.float64))
            told = change if change is not None and change.p_value < CERTAIN else None
            trends.append(Trend(source, tuple(sightings), told))
    return [trend for trend in trends if trend.sightings]


def write_trends(trends: list[Trend], path: str | Path) -> Path:
    """Write the plots as one page; raises StoreError when it cannot be written."""
    target = Path(path)
    rows = [(str(trend), plot_trend(trend.scores, trend.change), trend) for trend in trends]
    try:
        target.write_text(fill_template("trend.html.j2", rows=rows), "utf-8")
    except OSError as problem:
        raise StoreError(f"Cannot write {target}: {problem.strerror}. Choose another place.") from None
    return target
