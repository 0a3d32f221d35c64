"""Show the model card: what was taught, what it reaches, limits, licenses and hashes."""

import argparse

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode

EXAMPLE = "foveal card shop --output card.md"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("recognizer", nargs="?", default="foveal-workspace", help="workspace or .foveal file")
    parser.add_argument("--output", "-o", metavar="FILE", help="write Markdown here instead of printing it")


def run(options: argparse.Namespace, console: Console) -> int:
    """Build the card and print it."""
    from pathlib import Path

    from foveal.workflows.reading_cards import card_to_markdown, read_card_of

    card = read_card_of(options.recognizer, console.progress)
    console.close()
    if options.output:
        Path(options.output).write_text(card_to_markdown(card), "utf-8")
        console.print(f"Wrote {options.output}.")
    else:
        console.print(card_to_markdown(card))
    console.print_json(card)
    return ExitCode.OK
