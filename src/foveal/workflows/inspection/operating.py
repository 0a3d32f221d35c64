"""Where an inspector may work: shares of false alarms, promised and measured, and what is found at each."""

from pathlib import Path
from typing import Any

import numpy as np

from foveal.core.inspection import GOOD
from foveal.recognizers.inspector import check_rate
from foveal.recognizers.oddness import tail_p_value
from foveal.recognizers.statistics import Floats
from foveal.store.workspace import Workspace
from foveal.workflows.inspection.keeping import open_part

HIGHEST = 0.4  # share of scores that can matter at these rates
RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3)


def list_operating_points(folder: Path) -> dict[str, Any]:
    """What is promised now, and at each rate the false alarms on left-out good pictures and the defects found.

    `measured` is the share of taught good pictures, each judged without itself, that would be called not good;
    `held_out` the same of good pictures never taught, and `found` the share of known defects, None without any.
    """
    learned = open_part(folder)
    inspector = learned.inspector
    with Workspace.open(folder) as workspace:
        rows = workspace.rows({"test"})
        good = [row.id for row in rows if row.labels == (GOOD,)]
        bad = [row.id for row in rows if row.labels != (GOOD,)]
        held, found = (
            np.array([inspector.inspect(code).p_value for _, codes in workspace.code_blocks(ids, rows=16) for code in codes])
            for ids in (good, bad)
        )  # fmt: skip
    n = inspector.n_good
    ranks = _left_out_p_values(np.sort(inspector.left_out))
    least = 1.0 / (n + 1)
    return {
        "false_alarms": inspector.false_alarms,
        "promised": inspector.promised,
        "good": n,
        "held_out_good": len(held),
        "defects": len(found),
        "points": [
            {
                "promised": rate,
                "measured": float((ranks <= rate).sum() / n),
                "held_out": float((held <= rate).mean()) if len(held) else None,
                "found": float((found <= rate).mean()) if len(found) else None,
            }
            for rate in RATES
            if rate >= least
        ],
    }


def _left_out_p_values(scores: Floats) -> Floats:
    """How rare each of the higher scores (m,) is among the others; the rest, common for sure, are left out."""
    first = int(len(scores) * (1.0 - HIGHEST))
    return np.array([tail_p_value(np.delete(scores, i), scores[i]) for i in range(first, len(scores))])


def set_false_alarms(folder: Path, rate: float) -> None:
    """Promise another share of false alarms from now on; raises InputError outside (0, 0.5]."""
    check_rate(rate)
    with Workspace.open(folder, writing=True) as workspace:
        workspace.update_settings({"false_alarms": rate})
