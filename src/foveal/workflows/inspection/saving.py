"""Handing out an inspector as a file."""

from pathlib import Path

from foveal.store.workspace import Workspace
from foveal.workflows.inspection.carding import make_part_card
from foveal.workflows.inspection.keeping import make_manifest, open_part
from foveal.workflows.inspection.part_file import write_inspector


def save_part(folder: str | Path, path: str | Path) -> str:
    """Write the inspector of a workspace to a file, note it in the export register, and return its SHA-256.

    The file decides and shows where; it holds no pictures, names or codes of whole pictures.
    """
    learned = open_part(Path(folder))
    with Workspace.open(folder, writing=True) as workspace:
        manifest, card = make_manifest(workspace, learned), make_part_card(workspace, learned)
        sha256 = write_inspector(Path(path), learned.inspector, learned.kinds, manifest, card)
        workspace.register_export(
            Path(path).name, sha256, memory_sha256=workspace.memory_sha256, n_pictures=len(learned.ids)
        )
    return sha256
