"""Looking at files and folders, with evidence sheets drawn beside."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from foveal.core.contracts import Progress, silent
from foveal.core.errors import InputError, StoreError
from foveal.core.image import Image
from foveal.core.prediction import Influence, Prediction
from foveal.imaging.draw import draw_prediction, encode_png
from foveal.store.database import DATABASE
from foveal.store.workspace import Workspace
from foveal.workflows.learned import Learned
from foveal.workflows.looking import look_at_image, look_at_many, read_thing
from foveal.workflows.model_file import read_learned
from foveal.workflows.sources.folder import list_folder
from foveal.workflows.workspace_model import open_workspace_model


@dataclass(frozen=True, eq=False)
class Looked:
    """Answers with their evidence sheets, and files that could not be read, with the reason."""

    answers: tuple[tuple[Prediction, Path | None], ...]
    unreadable: tuple[tuple[str, str], ...]


def open_recognizer(path: str | Path, progress: Progress = silent) -> tuple[Learned, Path | None]:
    """Open a workspace or a .foveal file; the folder is None for a file.

    Raises StoreError, ModelError or IntegrityError as the case may be.
    """
    place = Path(path)
    if (place / DATABASE).exists():
        return open_workspace_model(place, progress), place
    if place.is_file():
        return read_learned(place)[0], None
    raise StoreError(
        f"{path} is neither a workspace nor a .foveal file. Teach one: foveal teach PHOTOS --workspace {path}"
    )


def look_at_files(
    recognizer: str | Path,
    pictures: Sequence[str],
    *,
    draw_into: str | Path | None = None,
    evidence: bool = False,
    progress: Progress = silent,
) -> Looked:
    """Answer for every picture among files and folders; one that cannot be read is reported."""
    learned, folder = open_recognizer(recognizer, progress)
    paths = [path for given in pictures for path in expand_pictures(Path(given))]
    if draw_into is None:
        found = list(look_at_many(learned, paths, evidence=evidence, progress=progress, total=len(paths)))
        return Looked(
            tuple((answer, None) for answer in found if isinstance(answer, Prediction)),
            tuple((str(p), str(a)) for p, a in zip(paths, found, strict=True) if isinstance(a, InputError)),
        )
    answers, unreadable = [], []
    for done, path in enumerate(paths, start=1):
        try:
            answers.append(look_and_draw(learned, folder, path, Path(draw_into)))
        except InputError as problem:
            unreadable.append((str(path), str(problem)))
        progress("drawing", done, len(paths))
    return Looked(tuple(answers), tuple(unreadable))


def look_and_draw(learned: Learned, folder: Path | None, path: Path, into: Path) -> tuple[Prediction, Path]:
    """Answer for one file and draw its evidence sheet into a folder, never over an existing sheet."""
    image, capture = read_thing(learned, path)
    prediction = look_at_image(learned, image, capture, evidence=True)
    evidence = prediction.evidence
    shown = [] if evidence is None else [*evidence.raised, *evidence.lowered]
    seen = learned.backbone.crop(image)
    sheet = draw_prediction(image, prediction, read_thumbnails(folder, shown), seen)
    return prediction, write_sheet(sheet, path, into)


def write_sheet(sheet: Image, path: Path, into: Path) -> Path:
    """Write the evidence sheet of a picture into a folder, never over an existing one.

    Raises StoreError when it cannot be written.
    """
    target, number = into / f"{path.stem}.evidence.png", 2
    while target.exists():
        target, number = into / f"{path.stem}.evidence-{number}.png", number + 1
    try:
        into.mkdir(parents=True, exist_ok=True)
        target.write_bytes(encode_png(sheet))
    except OSError as problem:
        raise StoreError(f"Cannot write {target}: {problem.strerror}. Choose another folder with --draw.") from None
    return target


def read_thumbnails(folder: Path | None, shown: Sequence[Influence]) -> list[tuple[Influence, bytes | None]]:
    """Thumbnails of taught pictures, None where there is no workspace."""
    if folder is None:
        return [(influence, None) for influence in shown]
    with Workspace.open(folder) as workspace:
        return [(influence, workspace.thumbnail(influence.example_id) or None) for influence in shown]


def expand_pictures(given: Path) -> list[Path]:
    """The file itself, or the pictures in a folder; raises InputError where there is nothing."""
    if not given.exists():
        raise InputError(f"{given} does not exist.")
    return [Path(example.path) for example in list_folder(given)[1]] if given.is_dir() else [given]
