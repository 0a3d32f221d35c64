"""Check a workspace or a certificate, on any machine, with nothing but the public key.

A workspace: the log's chain and signatures, pictures against the log, certificates, and the memory's
hash against the codes that remain. A certificate: its signature, and with --picture whether it was
that very file that was forgotten.
"""

import argparse

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode

EXAMPLE = "foveal verify certificate.json --key public.pem --picture cat.jpg"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("target", help="workspace folder or certificate (JSON)")
    parser.add_argument("--key", metavar="FILE", help="public key (PEM); default: the one in the workspace")
    parser.add_argument("--picture", metavar="FILE", help="a picture the certificate should be about")


def run(options: argparse.Namespace, console: Console) -> int:
    """Verify and print every problem."""
    from foveal.workflows.forgetting import verify

    verdict = verify(options.target, public_key=options.key, picture=options.picture)
    console.print(f"Checked: {', '.join(verdict.checked)}.")
    for problem in verdict.problems:
        console.print(f"  problem: {problem}")
    if not verdict.problems:
        console.print("Everything fits together.")
    console.print_json({"checked": list(verdict.checked), "problems": list(verdict.problems)})
    return ExitCode.INTEGRITY if verdict.problems else ExitCode.OK
