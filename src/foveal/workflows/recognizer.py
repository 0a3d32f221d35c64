"""The Python way in: teach, look, evaluate, add, correct, forget, save, load."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np

from foveal.core.contracts import Progress, silent
from foveal.core.errors import InputError
from foveal.core.prediction import Prediction
from foveal.recognizers.settings import Settings
from foveal.store.database import DATABASE
from foveal.workflows.correcting import correct
from foveal.workflows.evaluating import Evaluated, evaluate
from foveal.workflows.forgetting import forget
from foveal.workflows.learned import Learned
from foveal.workflows.looking import look_at, look_at_many
from foveal.workflows.model_file import read_learned
from foveal.workflows.saving import make_workspace, save
from foveal.workflows.sources.listing import list_examples
from foveal.workflows.teaching import Choices, teach_workspace
from foveal.workflows.temporary import TemporaryFolder
from foveal.workflows.workspace_model import open_workspace_model


@final
@dataclass(frozen=True, eq=False)
class Recognizer:
    """Answers, and returns a new recognizer when something is taught, corrected or forgotten.

    `folder` is the workspace behind it: yours, a temporary one, or None for one loaded from a file
    until something is taught. `certificate` is that of the forgetting that made it, if any.
    """

    learned: Learned = field(repr=False)
    folder: Path | None
    certificate: dict[str, Any] | None = field(default=None, repr=False)
    file: Path | None = None
    _keeper: object = field(default=None, repr=False)  # removes a temporary workspace when nobody needs it

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels it can answer."""
        return self.learned.readout.classes

    def look(self, x: Any, *, evidence: bool = True) -> Any:
        """Answer for a path, bytes, a Pillow image or an array; for a folder or a sequence, a list of answers.

        Raises DecodeError when the one image cannot be read; of many, unreadable ones are left out
        of folders and raise in sequences.
        """
        if isinstance(x, str | os.PathLike) and Path(x).is_dir():
            paths = [example.path for example in list_examples(x).examples]
            found = look_at_many(self.learned, paths, evidence=evidence)
            return [answer for answer in found if isinstance(answer, Prediction)]
        if isinstance(x, list | tuple) or (isinstance(x, np.ndarray) and x.ndim == 4):
            return [self._raise(answer) for answer in look_at_many(self.learned, x, evidence=evidence)]
        return look_at(self.learned, x, evidence=evidence)

    def evaluate(self, source: str | Path | None = None, *, progress: Progress = silent) -> Evaluated:
        """Measure on a labelled source or on the pictures held out, and on left-out groups.

        Raises InputError for one loaded from a file without its memory.
        """
        return evaluate(self._workspace().folder_or_fail(), source, progress=progress)

    def add(self, source: str | Path, *, progress: Progress = silent) -> "Recognizer":
        """Teach more pictures, of known or new classes."""
        own = self._workspace()
        taught = teach_workspace(source, own.folder_or_fail(), progress=progress)
        return Recognizer(taught.learned, own.folder, None, None, own._keeper)

    def correct(self, picture: str, label: str | None = None, *, is_not: str | None = None) -> "Recognizer":
        """Set the right label of a taught picture, or say what it is not."""
        own = self._workspace()
        learned = correct(own.folder_or_fail(), [picture], label=label, is_not=is_not)
        return Recognizer(learned, own.folder, None, None, own._keeper)

    def forget(self, *values: str, by: str = "picture") -> "Recognizer":
        """Erase pictures by path or name, by group or by subject; `certificate` proves it.

        Raises InputError when they are not known, or when fewer than two classes would be left.
        """
        own = self._workspace()
        forgotten = forget(own.folder_or_fail(), values, by=by)
        if not isinstance(forgotten.learned, Learned):
            raise InputError(
                "The pictures were forgotten; fewer than two classes are left, so nothing can be told apart."
            )
        return Recognizer(forgotten.learned, own.folder, forgotten.certificate, None, own._keeper)

    def save(self, path: str | Path, *, share: bool = False) -> str:
        """Write a .foveal file and return its SHA-256; with `share`, one without memory, codes and names."""
        return save(self._workspace().folder_or_fail(), path, share=share)[0]

    def folder_or_fail(self) -> Path:
        """The workspace's folder; raises InputError where there is none."""
        if self.folder is None:
            raise InputError("This recognizer has no workspace.")
        return self.folder

    def _workspace(self) -> "Recognizer":
        """Itself, or for one loaded from a file, the same in a temporary workspace."""
        if self.folder is not None or self.file is None:
            return self
        keeper = TemporaryFolder()
        learned = make_workspace(self.file, keeper.path / "workspace")
        return Recognizer(learned, keeper.path / "workspace", None, None, keeper)

    @staticmethod
    def _raise(answer: Prediction | InputError) -> Prediction:
        if isinstance(answer, InputError):
            raise answer
        return answer


def teach(
    source: str | Path,
    *,
    workspace: str | Path | None = None,
    backbone: str | None = None,
    view: str = "auto",
    multi_label: bool | None = None,
    settings: Settings | None = None,
    progress: Progress = silent,
) -> Recognizer:
    """Teach a folder per class, a table or a zip, and return a recognizer.

    Without `workspace` it is kept in a temporary one, removed when the recognizer is no longer
    used. Raises InputError when there is nothing to teach or only one class.
    """
    choices = Choices(view=view, multi_label=multi_label, settings=settings or Settings())
    if backbone is not None:
        choices = Choices(backbone, view, multi_label=multi_label, settings=settings or Settings())
    keeper = TemporaryFolder() if workspace is None else None
    folder = keeper.path / "workspace" if keeper else Path(workspace or "")
    taught = teach_workspace(source, folder, choices, progress)
    return Recognizer(taught.learned, folder, None, None, keeper)


def load(path: str | Path) -> Recognizer:
    """Load a .foveal file or open a workspace; for one that inspects, see `load_part`.

    Raises ModelError or IntegrityError for a file that must not be loaded, StoreError where there
    is no workspace.
    """
    place = Path(path)
    if (place / DATABASE).exists() or place.is_dir():
        return Recognizer(open_workspace_model(place), place)
    learned, _ = read_learned(place)
    return Recognizer(learned, None, None, place)
