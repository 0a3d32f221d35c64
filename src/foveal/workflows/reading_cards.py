"""The card of a workspace, measured afresh, or the one inside a file."""

from pathlib import Path
from typing import Any

from foveal.core.contracts import Progress, silent
from foveal.core.errors import InputError
from foveal.core.inspection import is_inspector
from foveal.store.database import DATABASE
from foveal.store.recognizer_file import read_recognizer_file
from foveal.store.workspace import Workspace
from foveal.workflows.carding import make_card, to_markdown
from foveal.workflows.evaluating import evaluate
from foveal.workflows.inspection.carding import make_part_card, part_to_markdown
from foveal.workflows.inspection.keeping import open_part
from foveal.workflows.inspection.look_files import holds_inspector
from foveal.workflows.workspace_model import open_workspace_model


def read_card_of(path: str | Path, progress: Progress = silent) -> dict[str, Any]:
    """The model card of a workspace or a .foveal file, as plain values.

    Raises StoreError or ModelError where there is neither.
    """
    place = Path(path)
    if not (place / DATABASE).exists() and place.is_file():
        return dict(read_recognizer_file(place).documents["card"])
    if holds_inspector(place):
        part = open_part(place, progress)
        with Workspace.open(place) as workspace:
            return make_part_card(workspace, part)
    learned = open_workspace_model(place, progress)
    try:
        figures = evaluate(place, progress=progress).headline
    except InputError:
        figures = None  # nothing can be left out: the card says so by having no figures
    with Workspace.open(place) as workspace:
        return make_card(workspace, learned, figures)


def card_to_markdown(card: dict[str, Any]) -> str:
    """The card as a Markdown page, whatever kind it is of."""
    return part_to_markdown(card) if is_inspector(card) else to_markdown(card)
