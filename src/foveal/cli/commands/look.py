"""Answer for pictures: label, probability, what else it could be, where, and which taught pictures decided.

PICTURES are files, folders or several of them. --draw writes one evidence sheet per picture.
"""

import argparse

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode

EXAMPLE = "foveal look new.jpg --with shop --draw evidence/"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("pictures", nargs="+", help="files or folders")
    parser.add_argument("--with", dest="recognizer", default="foveal-workspace", help="workspace or .foveal file")
    parser.add_argument("--draw", metavar="FOLDER", help="write an evidence sheet (PNG) for every picture")
    parser.add_argument("--evidence", action="store_true", help="put the evidence into the JSON")


def run(options: argparse.Namespace, console: Console) -> int:
    """Look at every picture; unreadable ones are reported and passed over."""
    from foveal.workflows.describing import describe_prediction
    from foveal.workflows.look_files import look_at_files

    found = look_at_files(
        options.recognizer,
        options.pictures,
        draw_into=options.draw,
        evidence=options.evidence or bool(options.draw),
        progress=console.progress,
    )
    console.close()
    for prediction, sheet in found.answers:
        console.print(describe_prediction(prediction) + (f"\n  drawn: {sheet}" if sheet else ""))
    for name, reason in found.unreadable:
        console.note(f"skipped {name}: {reason}")
    console.print_json(
        {
            "answers": [p.to_dict() | ({"sheet": str(sheet)} if sheet else {}) for p, sheet in found.answers],
            "unreadable": [{"name": name, "reason": reason} for name, reason in found.unreadable],
        }
    )
    return ExitCode.OK if found.answers else ExitCode.INPUT
