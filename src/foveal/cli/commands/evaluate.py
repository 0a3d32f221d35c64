"""Measure how good a recognizer is, on pictures held out, on a labelled source, and on left-out groups.

--report writes one self-contained HTML file with the pictures in it.
"""

import argparse

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode

EXAMPLE = "foveal evaluate --workspace shop --report report.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument(
        "source", nargs="?", help="labelled pictures; default: those held out as test, else left-out groups"
    )
    parser.add_argument("--workspace", "-w", default="foveal-workspace", help="folder that keeps what is learned")
    parser.add_argument("--report", metavar="FILE", help="write an HTML report")


def run(options: argparse.Namespace, console: Console) -> int:
    """Evaluate and print the figures."""
    from foveal.workflows.describing import describe_evaluated
    from foveal.workflows.evaluating import evaluate

    evaluated = evaluate(options.workspace, options.source, progress=console.progress)
    plain = evaluated.to_dict()
    if options.report:
        from foveal.workflows.reporting import write_report

        plain["report"] = str(write_report(options.workspace, evaluated, options.report, progress=console.progress))
    console.close()
    for line in describe_evaluated(evaluated):
        console.print(line)
    if options.report:
        console.print(f"Report: {options.report}")
    console.print_json(plain)
    return ExitCode.OK
