"""Hand out a recognizer as one .foveal file; the export register notes it.

The file holds no pictures. With --share it holds no codes and names of taught pictures either: it
decides and shows where, but cannot learn or forget. An inspector's file is always of this kind.
"""

import argparse

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode

EXAMPLE = "foveal save shop.foveal --workspace shop --share"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("file", help="where to write, NAME.foveal")
    parser.add_argument("--workspace", "-w", default="foveal-workspace", help="folder that keeps what is learned")
    parser.add_argument("--share", action="store_true", help="leave out memory, codes and names")


def run(options: argparse.Namespace, console: Console) -> int:
    """Write the file and register it."""
    from foveal.workflows.inspection.look_files import holds_inspector
    from foveal.workflows.inspection.saving import save_part
    from foveal.workflows.saving import save

    if holds_inspector(options.workspace):
        sha256 = save_part(options.workspace, options.file)
    else:
        sha256, _ = save(options.workspace, options.file, share=options.share, progress=console.progress)
    console.close()
    console.print(f"Wrote {options.file}, SHA-256 {sha256}.")
    console.print_json({"file": options.file, "sha256": sha256, "share": options.share})
    return ExitCode.OK
