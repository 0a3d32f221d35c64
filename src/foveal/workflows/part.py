"""The Python way in for inspecting: teach good ones, look, evaluate, add, forget, save."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np

from foveal.core.contracts import Progress, silent
from foveal.core.errors import InputError
from foveal.core.inspection import Inspection
from foveal.workflows.forgetting import forget
from foveal.workflows.inspection.evaluating import EvaluatedPart, evaluate_part
from foveal.workflows.inspection.learned import LearnedInspector
from foveal.workflows.inspection.look_files import open_inspector
from foveal.workflows.inspection.looking import inspect_many, inspect_thing
from foveal.workflows.inspection.saving import save_part
from foveal.workflows.inspection.teaching import PartChoices, teach_good
from foveal.workflows.sources.listing import list_examples
from foveal.workflows.temporary import TemporaryFolder


@final
@dataclass(frozen=True, eq=False)
class Part:
    """Judges pictures of a part, and returns a new one when good pictures are added or forgotten.

    `folder` is the workspace behind it, None for one loaded from a file, which only judges.
    `certificate` is that of the forgetting that made it, if any.
    """

    learned: LearnedInspector = field(repr=False)
    folder: Path | None
    certificate: dict[str, Any] | None = field(default=None, repr=False)
    _keeper: object = field(default=None, repr=False)  # removes a temporary workspace when nobody needs it

    def look(self, x: Any, *, nearest: bool = True) -> Any:
        """Judge a path, bytes, a Pillow image or an array; for a folder or a sequence, a list of verdicts.

        Raises DecodeError when the one image cannot be read; of many, unreadable ones are left out
        of folders and raise in sequences.
        """
        if isinstance(x, str | os.PathLike) and Path(x).is_dir():
            found = inspect_many(self.learned, [example.path for example in list_examples(x).examples])
            return [answer for answer in found if isinstance(answer, Inspection)]
        if isinstance(x, list | tuple) or (isinstance(x, np.ndarray) and x.ndim == 4):
            return [_raise(answer) for answer in inspect_many(self.learned, x)]
        return inspect_thing(self.learned, x, nearest=nearest)

    def evaluate(self, source: str | Path | None = None, *, progress: Progress = silent) -> EvaluatedPart:
        """Measure on a source of good and defective pictures, or on those held out."""
        return evaluate_part(self._folder(), source, progress=progress)

    def add(self, source: str | Path, *, progress: Progress = silent) -> "Part":
        """Teach more good pictures."""
        taught = teach_good(source, self._folder(), progress=progress)
        return Part(taught.learned, self.folder, None, self._keeper)

    def forget(self, *values: str, by: str = "picture") -> "Part":
        """Erase pictures by path or name, by group or by subject; `certificate` proves it.

        Raises InputError when they are not known, or when too few good ones would be left.
        """
        forgotten = forget(self._folder(), values, by=by)
        if not isinstance(forgotten.learned, LearnedInspector):
            raise InputError("The pictures were forgotten; too few good ones are left to inspect. Teach more.")
        return Part(forgotten.learned, self.folder, forgotten.certificate, self._keeper)

    def save(self, path: str | Path) -> str:
        """Write a .foveal file that judges exactly as this does, and return its SHA-256."""
        return save_part(self._folder(), path)

    def _folder(self) -> Path:
        if self.folder is None:
            raise InputError("This inspector was loaded from a file: it judges, but cannot be taught or measured.")
        return self.folder


def teach_part(
    good: str | Path,
    *,
    bad: str | Path | None = None,
    kinds: str | Path | None = None,
    workspace: str | Path | None = None,
    choices: PartChoices | None = None,
    progress: Progress = silent,
) -> Part:
    """Teach pictures of good parts and return what judges others.

    Without `workspace` it is kept in a temporary one. Raises InputError where there are too few.
    """
    keeper = TemporaryFolder() if workspace is None else None
    folder = keeper.path / "workspace" if keeper else Path(workspace or "")
    taught = teach_good(good, folder, choices, bad=bad, kinds=kinds, progress=progress)
    return Part(taught.learned, folder, None, keeper)


def load_part(path: str | Path) -> Part:
    """Open an inspector's workspace or file."""
    learned = open_inspector(path)
    return Part(learned, learned.folder)


def _raise(answer: Inspection | InputError) -> Inspection:
    if isinstance(answer, InputError):
        raise answer
    return answer
