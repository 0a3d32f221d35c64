"""Searching for files and folders, with sheets drawn beside, and queries kept where the operator says so."""

from dataclasses import dataclass
from pathlib import Path

from foveal.core.contracts import Progress, silent
from foveal.core.errors import InputError
from foveal.core.gallery import Found
from foveal.workflows.ahead import map_ahead
from foveal.workflows.finding.explaining import draw
from foveal.workflows.finding.gallery import OpenGallery, open_gallery
from foveal.workflows.finding.insight import keep_query
from foveal.workflows.finding.searching import Query, Wish, check_wish, find_by_text, search, see_query
from foveal.workflows.look_files import expand_pictures, write_sheet
from foveal.workflows.seeing import count_threads

Answers = list[tuple[Found, Path | None]]
Unreadable = list[tuple[str, str]]


@dataclass(frozen=True)
class Errand:
    """What to search for: pictures or words; where to draw sheets; and for whom."""

    pictures: tuple[str, ...] = ()
    words: str | None = None
    draw_into: str | None = None
    customer: str | None = None


def find_files(
    address: str | Path, errand: Errand, wish: Wish, progress: Progress = silent
) -> tuple[Answers, Unreadable]:
    """Search for words, or every picture among files and folders; one that cannot be read is reported.

    Raises InputError where there is nothing to search for, or the gallery is empty.
    """
    if bool(errand.pictures) == (errand.words is not None):
        raise InputError("Give pictures to search for, or words with --text: one of the two.")
    with open_gallery(address) as gallery:
        check_wish(wish)
        if errand.words is not None:
            return [(find_by_text(gallery, errand.words, wish), None)], []
        paths = [path for given in errand.pictures for path in expand_pictures(Path(given))]
        return _find_all(gallery, paths, errand, wish, progress)


def _find_all(
    gallery: OpenGallery, paths: list[Path], errand: Errand, wish: Wish, progress: Progress
) -> tuple[Answers, Unreadable]:
    def see(path: Path) -> Query | InputError:
        try:
            return see_query(gallery, path, wish)
        except InputError as problem:
            return problem

    answers: Answers = []
    unreadable: Unreadable = []
    for path, query in zip(paths, map_ahead(see, paths, count_threads()), strict=True):
        if isinstance(query, InputError):
            unreadable.append((str(path), str(query)))
            continue
        found = search(gallery, query, wish)
        keep_query(gallery, query, found, wish, customer=errand.customer)
        sheet = write_sheet(draw(gallery, query, found), path, Path(errand.draw_into)) if errand.draw_into else None
        answers.append((found, sheet))
        progress("finding", len(answers) + len(unreadable), len(paths))
    return answers, unreadable
