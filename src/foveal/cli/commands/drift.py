"""Tell whether good pictures of today still look like those taught, and what has changed.

--draw writes the reason as a picture. --accept teaches them as good: the new normal.
"""

import argparse

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode

EXAMPLE = "foveal drift today/ --workspace part --draw drift.png"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("source", help="folder of pictures of good parts, as they come now")
    parser.add_argument("--workspace", "-w", default="foveal-workspace", help="folder that keeps the inspector")
    parser.add_argument("--draw", metavar="FILE", help="write a PNG that shows what has changed")
    parser.add_argument("--accept", action="store_true", help="teach these pictures as good")


def run(options: argparse.Namespace, console: Console) -> int:
    """Measure, draw and, where asked, accept."""
    from foveal.imaging.draw import write_png
    from foveal.workflows.drifting import measure_drift

    found = measure_drift(options.workspace, options.source, accept=options.accept, progress=console.progress)
    console.close()
    console.print(str(found.drift))
    if str(found.shift):
        console.print(f"{str(found.shift).capitalize()}.")
    for name, reason in found.unreadable:
        console.note(f"skipped {name}: {reason}")
    if options.draw:
        write_png(found.sheet, options.draw)
        console.print(f"Drawn: {options.draw}")
    if found.accepted is not None:
        console.print(f"Accepted: {found.accepted.inspector.n_good} good pictures now.")
    elif found.drift.is_certain:
        console.print(f"To accept the new normal: foveal drift {options.source} -w {options.workspace} --accept")
    console.print_json(
        {
            "drift": found.drift.is_certain,
            "n": found.drift.n,
            "unusual": found.drift.n_unusual,
            "p_value": found.drift.p_value,
            "reasons": [
                {"measure": r.measure, "said": r.said, "before": r.before, "now": r.now} for r in found.drift.reasons
            ],
            "shift": {"right": found.shift.right, "down": found.shift.down, "clear": found.shift.is_clear},
            "accepted": found.accepted is not None,
        }
    )
    return ExitCode.OK
