"""Write docs/reference.md from the code: python -m docs.generate [--check]."""

import argparse
import inspect
import re
import sys
from importlib import import_module
from pathlib import Path

import foveal
from foveal.cli.exit_codes import CODES, ExitCode
from foveal.cli.main import COMMANDS

PAGE = Path(__file__).parent / "reference.md"
_ADDRESS = re.compile(r"<function (\w+) at 0x[0-9a-f]+>")
OPTIONS_SKIPPED = {"-h", "--help"}


def write_reference() -> str:
    """The reference page as Markdown."""
    lines = ["# Reference", "", "Generated from the code by `make docs`.", "", "## Commands"]
    for name in COMMANDS:
        module = import_module(f"foveal.cli.commands.{name}")
        parser = argparse.ArgumentParser(prog=f"foveal {name}")
        module.add_arguments(parser)
        lines += ["", f"### foveal {name}", "", (module.__doc__ or "").strip(), "", f"    {module.EXAMPLE}", ""]
        for action in parser._actions:
            if OPTIONS_SKIPPED & set(action.option_strings):
                continue
            label = ", ".join(action.option_strings) or action.dest.upper()
            lines.append(f"- `{label}`: {action.help}")
        lines.append("- `--json`, `--quiet`, `--verbose`: result as JSON; no progress; traceback of errors")
    lines += ["", "## Exit codes", "", "| code | name | error |", "|---|---|---|"]
    errors = {code: kind.__name__ for kind, code in CODES}
    lines += [f"| {code.value} | {code.name} | {errors.get(code, '')} |" for code in ExitCode]
    lines += ["", "## Python"]
    for name in foveal.__all__:
        if not name.startswith("_"):
            lines += _describe(name, getattr(foveal, name))
    return "\n".join(lines) + "\n"


def _describe(name: str, thing: object) -> list[str]:
    lines = ["", f"### foveal.{name}", ""]
    if inspect.isfunction(thing):
        lines += [f"    {name}{_ADDRESS.sub(lambda found: found[1], str(inspect.signature(thing)))}", ""]
    lines += [inspect.getdoc(thing) or ""]
    if inspect.isclass(thing) and not issubclass(thing, Exception):
        for part, member in sorted(vars(thing).items()):
            if part.startswith("_") or not (inspect.isfunction(member) or isinstance(member, property)):
                continue
            lines += ["", f"**{part}**: {inspect.getdoc(member) or ''}"]
    return lines


def main() -> int:
    """Write the page, or with --check say whether it is up to date."""
    text = write_reference()
    if "--check" in sys.argv:
        return 0 if PAGE.exists() and PAGE.read_text("utf-8") == text else 1
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
