"""Show how the scores of what was watched develop, and when their level changed.

A part that wears out or a camera that gets dirty shows in the scores long before parts are called not good.
"""

import argparse
from typing import Any

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode

EXAMPLE = "foveal trend foveal-watch --report trend.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("journal", nargs="?", default="foveal-watch", help="folder that foveal watch keeps")
    parser.add_argument("--most", type=int, default=2000, help="newest pictures of each camera or line")
    parser.add_argument("--report", metavar="FILE", help="write an HTML page with the plots")


def run(options: argparse.Namespace, console: Console) -> int:
    """Print the trend of every source."""
    from foveal.workflows.trending import measure_trends, write_trends

    trends = measure_trends(options.journal, options.most)
    for trend in trends:
        console.print(str(trend))
    plain: dict[str, Any] = {"trends": [trend.to_dict() for trend in trends]}
    if options.report:
        plain["report"] = str(write_trends(trends, options.report))
        console.print(f"Report: {options.report}")
    console.print_json(plain)
    return ExitCode.OK
