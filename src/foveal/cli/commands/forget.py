"""Erase pictures everywhere in a workspace or a gallery, and write a signed certificate of it.

Rows, codes, memory, thumbnails, the cached recognizer and log payloads; then the bytes of every
file are scanned. The certificate says what it does not cover: backups, and files handed out.
"""

import argparse

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode

EXAMPLE = "foveal forget --subject 'patient 17' --workspace clinic --certificate certificate.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("pictures", nargs="*", help="paths or names of taught pictures")
    parser.add_argument("--group", action="append", default=[], help="erase all pictures of a group")
    parser.add_argument("--item", action="append", default=[], dest="group", help="of a gallery: erase an item")
    parser.add_argument("--subject", action="append", default=[], help="erase all pictures of a person or thing")
    parser.add_argument("--workspace", "-w", default="foveal-workspace", help="folder that keeps what is learned")
    parser.add_argument("--certificate", metavar="FILE", help="also write the certificate here")


def run(options: argparse.Namespace, console: Console) -> int:
    """Forget, certify and fit what remains."""
    from pathlib import Path

    from foveal.core.errors import InputError
    from foveal.workflows.finding.forgetting import forget_anywhere
    from foveal.workflows.forgetting import describe_certificate

    asked = {"picture": options.pictures, "group": options.group, "subject": options.subject}
    given = [(by, values) for by, values in asked.items() if values]
    if len(given) != 1:
        raise InputError("Name pictures, or --group, or --subject: exactly one of the three.")
    by, values = given[0]
    forgotten = forget_anywhere(options.workspace, values, by=by, progress=console.progress)
    console.close()
    if options.certificate:
        Path(options.certificate).write_text(describe_certificate(forgotten.certificate) + "\n", "utf-8")
    scan = forgotten.certificate["scan"]
    console.print(
        f"Erased {forgotten.n_erased} pictures in {forgotten.seconds['certified']:.2f} s, certificate included."
    )
    if forgotten.certificate["memory_before"]:
        console.print(f"Memory before {forgotten.certificate['memory_before'][:16]}..., "
                      f"after {forgotten.certificate['memory_after'][:16]}...")  # fmt: skip
    console.print(f"Scanned every file of the workspace: {scan['n_found']} traces found.")
    for item in forgotten.certificate["not_covered"]:
        console.print(f"  not covered: {item.get('what', item)}")
    console.print_json(
        {"erased": forgotten.n_erased, "seconds": forgotten.seconds, "certificate": forgotten.certificate}
    )
    return ExitCode.OK if scan["n_found"] == 0 else ExitCode.INTEGRITY
