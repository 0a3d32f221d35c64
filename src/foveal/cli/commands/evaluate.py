"""Measure how good a recognizer is, on pictures held out, on a labelled source, and on left-out groups.

An inspector is measured on good and defective pictures held out or in SOURCE (folders good, and one per
kind of defect), and with masks on where it finds them. --report writes one self-contained HTML file with the pictures in it.
"""

import argparse
from typing import Any

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
    parser.add_argument("--masks", metavar="FOLDER", help="of an inspector: masks of defects, KIND/NAME.png")


def run(options: argparse.Namespace, console: Console) -> int:
    """Evaluate and print the figures."""
    from foveal.workflows.inspection.look_files import holds_inspector

    measure = _evaluate_part if holds_inspector(options.workspace) else _evaluate_classes
    lines, plain = measure(options, console)
    console.close()
    for line in lines:
        console.print(line)
    if options.report:
        console.print(f"Report: {options.report}")
    console.print_json(plain)
    return ExitCode.OK


def _evaluate_classes(options: argparse.Namespace, console: Console) -> tuple[list[str], dict[str, Any]]:
    from foveal.workflows.describing import describe_evaluated
    from foveal.workflows.evaluating import evaluate

    evaluated = evaluate(options.workspace, options.source, progress=console.progress)
    plain = evaluated.to_dict()
    if options.report:
        from foveal.workflows.reporting import write_report

        plain["report"] = str(write_report(options.workspace, evaluated, options.report, progress=console.progress))
    return describe_evaluated(evaluated), plain


def _evaluate_part(options: argparse.Namespace, console: Console) -> tuple[list[str], dict[str, Any]]:
    from foveal.workflows.inspection.describing import describe_evaluated_part
    from foveal.workflows.inspection.evaluating import evaluate_part

    evaluated = evaluate_part(options.workspace, options.source, masks=options.masks, progress=console.progress)
    plain = evaluated.to_dict()
    if options.report:
        from foveal.workflows.inspection.report import write_part_report

        plain["report"] = str(write_part_report(evaluated, options.report))
    return describe_evaluated_part(evaluated), plain
