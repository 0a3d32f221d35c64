"""Set the right label of taught pictures, or say what they are not."""

import argparse

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode

EXAMPLE = "foveal correct apples/12.jpg --label pear --workspace shop"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("pictures", nargs="+", help="paths or names of taught pictures")
    parser.add_argument("--workspace", "-w", default="foveal-workspace", help="folder that keeps what is learned")
    parser.add_argument("--label", help="the right label")
    parser.add_argument("--not", dest="is_not", metavar="LABEL", help="what the pictures are not")


def run(options: argparse.Namespace, console: Console) -> int:
    """Correct and fit again."""
    from foveal.workflows.correcting import correct

    learned = correct(
        options.workspace, options.pictures, label=options.label, is_not=options.is_not, progress=console.progress
    )
    console.close()
    said = f"is {options.label}" if options.label else f"is not {options.is_not}"
    console.print(f"Corrected {len(options.pictures)}: {said}. {len(learned.readout.classes)} classes.")
    console.print_json({"corrected": len(options.pictures), "classes": list(learned.readout.classes)})
    return ExitCode.OK
