"""Find what is wrong with a set of pictures before trusting anything taught from it.

Unreadable files, exact and near copies, bursts, copies shared between splits, likely wrong labels,
blurred or odd pictures, classes too small, and classes told apart by size, format or border alone.
"""

import argparse

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode

EXAMPLE = "foveal doctor photos/"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("source", help="folder, table or zip of labelled pictures, or a workspace")
    parser.add_argument("--most", type=int, default=5, help="how many names to print per finding")


def run(options: argparse.Namespace, console: Console) -> int:
    """Examine and print findings, the gravest first."""
    from foveal.workflows.doctoring import examine

    diagnosis = examine(options.source, progress=console.progress)
    console.close()
    console.print(
        f"{diagnosis.n_pictures} pictures, {diagnosis.n_classes} classes, {diagnosis.n_groups} independent groups."
    )
    for finding in diagnosis.findings:
        console.print(f"\n[{finding.severity}] {finding.message}")
        for name in finding.names[: options.most]:
            console.print(f"    {name}")
        if len(finding.names) > options.most:
            console.print(f"    and {len(finding.names) - options.most} more (--most, --json)")
        console.print(f"  -> {finding.remedy}")
    if not diagnosis.findings:
        console.print("Nothing to mend was found.")
    console.print_json(diagnosis.to_dict())
    return ExitCode.OK
