"""The command line: finds the command, runs it, and turns errors into one sentence and an exit status."""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module

from foveal import __version__
from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode, code_of
from foveal.core.errors import FovealError

# Every command, its module in foveal.cli.commands, and what it does in one line.
COMMANDS = {
    "teach": "learn classes from labelled pictures, or defects from good ones alone",
    "look": "answer for pictures, with the evidence",
    "evaluate": "measure how good a recognizer is, and write the report",
    "watch": "inspect what arrives in a folder or from a camera, and raise alerts",
    "trend": "show how the scores of what was watched develop",
    "drift": "tell whether good pictures still look like those taught",
    "index": "index a catalogue of pictures, to be searched by picture",
    "find": "search a gallery by picture: what is the same or similar, and why",
    "recommend": "recommend items of a gallery for liked ones",
    "serve": "serve a web page for people and an HTTP API for programs",
    "group": "count distinct items on photos, or list near copies in a gallery",
    "queries": "show what people searched for and did not find",
    "doctor": "find what is wrong with a set of pictures before teaching it",
    "correct": "set the right label of a taught picture, or say what it is not",
    "forget": "erase pictures everywhere, with a signed certificate",
    "verify": "check a workspace or a certificate",
    "card": "show the model card",
    "save": "hand out a recognizer as a file",
    "models": "list the backbones that can be used",
    "info": "show versions, cores, folders and optional parts",
    "demo": "teach, evaluate, look and forget on real pictures of solar cells",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = _build_parser(arguments).parse_args(arguments)
    if options.command is None:
        _build_parser(arguments).print_help()
        return ExitCode.USAGE
    console = Console(as_json=options.json, quiet=options.quiet)
    try:
        status = int(import_module(f"foveal.cli.commands.{options.command}").run(options, console))
        sys.stdout.flush()  # here, where a reader that went away is no error
        return status
    except FovealError as problem:
        if options.verbose:
            traceback.print_exc()
        console.error(type(problem).__name__, str(problem))
        return code_of(problem)
    except KeyboardInterrupt:
        console.error("Interrupted", "interrupted; what was acknowledged is kept")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except OSError as problem:
        if options.verbose:
            traceback.print_exc()
        where = f" {problem.filename}" if problem.filename else ""
        console.error("OSError", f"cannot read or write{where}: {problem.strerror or problem}")
        return ExitCode.STORE
    except Exception as problem:
        if options.verbose:
            traceback.print_exc()
        hint = "" if options.verbose else " Run again with --verbose for the traceback."
        console.error("Failure", f"unexpected {type(problem).__name__}: {problem}.{hint}")
        return ExitCode.FAILURE
    finally:
        console.close()


def _build_parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Build the parser; only the command that was asked for is imported."""
    parser = argparse.ArgumentParser(
        prog="foveal",
        description="Image recognition you can teach, trust, correct and take away from.",
        epilog="Example: foveal teach photos/ --workspace shop && foveal look new.jpg --with shop",
    )
    parser.add_argument("--version", action="version", version=f"foveal {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    asked = next((word for word in arguments if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        if name == asked:
            module = import_module(f"foveal.cli.commands.{name}")
            command = commands.add_parser(
                name,
                help=summary,
                description=module.__doc__,
                epilog=f"Example: {module.EXAMPLE}",
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
            module.add_arguments(command)
        else:
            command = commands.add_parser(name, help=summary)
        command.add_argument("--json", action="store_true", help="print the result as JSON")
        command.add_argument("--quiet", action="store_true", help="draw no progress")
        command.add_argument("--verbose", action="store_true", help="show the traceback of errors")
    return parser


if __name__ == "__main__":
    sys.exit(main())
