"""List the backbones that can be used, with licenses and published figures."""

import argparse

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode

EXAMPLE = "foveal models"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to declare."""


def run(options: argparse.Namespace, console: Console) -> int:
    """Print the table of named backbones."""
    from foveal.backbones.catalog import list_backbones

    available = list_backbones()
    rows = [
        (
            a.card.name,
            f"{a.card.input_size} px",
            a.card.license_weights,
            a.card.published,
            "ready" if a.ready else a.how,
        )
        for a in available
    ]
    console.table(("backbone", "input", "license", "published", "state"), rows)
    console.print("\nYour own: --backbone my.onnx with my.card.json beside it, or hf:OWNER/REPO/FILE.onnx.")
    console.print_json([a.card.to_dict() | {"ready": a.ready, "install": a.how} for a in available])
    return ExitCode.OK
