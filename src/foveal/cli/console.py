"""What a command shows: text, tables, JSON and progress."""

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

SHOW_AFTER_S = 1.0  # shorter jobs draw no bar


class Console:
    """Writes results to standard output, progress and errors to standard error."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json, self.quiet = as_json, quiet
        self._bar: Any = None
        self._stage, self._begun = "", 0.0

    def print(self, text: str = "") -> None:
        """Write a line, unless JSON was asked for."""
        if not self.as_json:
            sys.stdout.write(text + "\n")

    def print_json(self, plain: Any) -> None:
        """Write plain values, if JSON was asked for."""
        if self.as_json:
            sys.stdout.write(json.dumps(plain, ensure_ascii=False, indent=2) + "\n")

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Write rows in aligned columns."""
        cells = [[str(cell) for cell in row] for row in (headers, *rows)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(headers))]
        for row in cells:
            self.print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def note(self, text: str) -> None:
        """Write a line for people to standard error."""
        self.close()
        if not self.quiet:
            sys.stderr.write(text + "\n")

    def error(self, kind: str, message: str) -> None:
        """Write an error as one sentence, and as JSON where that was asked for."""
        self.close()
        sys.stderr.write(f"foveal: error: {message}\n")
        self.print_json({"error": {"kind": kind, "message": message}})

    def progress(self, stage: str, done: int, total: int) -> None:
        """Draw how far a stage is, on a terminal and only when it takes a while."""
        if self.quiet or self.as_json or not sys.stderr.isatty():
            return
        if stage != self._stage:
            self.close()
            self._stage, self._begun = stage, time.monotonic()
        if self._bar is None and time.monotonic() - self._begun > SHOW_AFTER_S:
            from tqdm import tqdm

            self._bar = tqdm(total=total or None, desc=stage, unit="", leave=False, initial=done, file=sys.stderr)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Take the progress bar away."""
        if self._bar is not None:
            self._bar.close()
        self._bar, self._stage = None, ""
