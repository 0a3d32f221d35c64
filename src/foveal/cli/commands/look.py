"""Answer for pictures: label, probability, what else it could be, where, and which taught pictures decided.

An inspector says good or not, how rarely a good picture looks like this, and where it differs.

PICTURES are files, folders or several of them. --draw writes one evidence sheet per picture.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode
from foveal.cli.rates import parse_rate

Answers = list[tuple[str, dict[str, Any]]]
Unreadable = Sequence[tuple[str, str]]
EXAMPLE = "foveal look new.jpg --with shop --draw evidence/"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("pictures", nargs="+", help="files or folders")
    parser.add_argument("--with", dest="recognizer", default="foveal-workspace", help="workspace or .foveal file")
    parser.add_argument("--draw", metavar="FOLDER", help="write an evidence sheet (PNG) for every picture")
    parser.add_argument("--evidence", action="store_true", help="put the evidence into the JSON")
    parser.add_argument("--maps", metavar="FOLDER", help="of an inspector: write anomaly maps and masks (PNG)")
    parser.add_argument(
        "--false-alarms", type=parse_rate, metavar="RATE", help="of an inspector: another promised share, such as 5%%"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Look at every picture; unreadable ones are reported and passed over."""
    from foveal.workflows.inspection.look_files import holds_inspector

    answer = _inspect if holds_inspector(options.recognizer) else _recognize
    answers, unreadable = answer(options, console)
    console.close()
    for line, _ in answers:
        console.print(line)
    for name, reason in unreadable:
        console.note(f"skipped {name}: {reason}")
    console.print_json(
        {
            "answers": [plain for _, plain in answers],
            "unreadable": [{"name": name, "reason": reason} for name, reason in unreadable],
        }
    )
    return ExitCode.OK if answers else ExitCode.INPUT


def _recognize(options: argparse.Namespace, console: Console) -> tuple[Answers, Unreadable]:
    from foveal.workflows.describing import describe_prediction
    from foveal.workflows.look_files import look_at_files

    found = look_at_files(
        options.recognizer,
        options.pictures,
        draw_into=options.draw,
        evidence=options.evidence or bool(options.draw),
        progress=console.progress,
    )
    return [_with_sheet(describe_prediction(p), p.to_dict(), sheet) for p, sheet in found.answers], found.unreadable


def _inspect(options: argparse.Namespace, console: Console) -> tuple[Answers, Unreadable]:
    from foveal.workflows.inspection.describing import describe_inspection
    from foveal.workflows.inspection.look_files import inspect_files, open_inspector

    learned = open_inspector(options.recognizer, false_alarms=options.false_alarms, progress=console.progress)
    found = inspect_files(
        learned, options.pictures, draw_into=options.draw, maps_into=options.maps, progress=console.progress
    )
    return [
        _with_sheet(describe_inspection(i), i.to_dict(with_map=options.evidence), sheet) for i, sheet in found.answers
    ], found.unreadable


def _with_sheet(line: str, plain: dict[str, Any], sheet: Path | None) -> tuple[str, dict[str, Any]]:
    return (f"{line}\n  drawn: {sheet}", plain | {"sheet": str(sheet)}) if sheet else (line, plain)
