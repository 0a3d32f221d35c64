"""Teach, evaluate, look and forget on the 2,624 photographs of solar cells that elpv-dataset carries.

The pictures are CC BY-NC-SA 4.0: for this demonstration only, not for commercial use.
"""

import argparse

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode

EXAMPLE = "foveal demo --output demo-output"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("--output", "-o", default="demo-output", help="folder for the workspace, pictures and report")
    parser.add_argument("--seed", type=int, default=0, help="seed of the 75/25 split")


def run(options: argparse.Namespace, console: Console) -> int:
    """Run the whole story and print what happened."""
    from foveal.workflows.demo import run_demo

    plain = run_demo(options.output, seed=options.seed, say=console.print, progress=console.progress)
    console.print_json(plain)
    return ExitCode.OK
