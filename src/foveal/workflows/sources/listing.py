"""What a source holds, whatever its layout."""

import os
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path

from foveal.core.errors import InputError
from foveal.core.example import Example
from foveal.recognizers.decision import NOT
from foveal.workflows.sources.archive import unpack_zip
from foveal.workflows.sources.folder import Skipped, find_content, is_picture, list_folder
from foveal.workflows.sources.table import SUFFIXES, list_table, names_pictures


@dataclass(frozen=True)
class Listing:
    """Examples of a source in natural order, and what was passed over, with the reason."""

    source: str
    layout: str  # "folder per class", "split folders", "good and defects", "table", "picture"
    examples: tuple[Example, ...]
    skipped: tuple[tuple[str, str], ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """All labels, sorted."""
        return tuple(sorted({label for example in self.examples for label in example.labels}))


def list_examples(source: str | os.PathLike[str], *, unpack_into: Path | None = None) -> Listing:
    """List a folder per class, train/val/test folders, MVTec-like folders, a table, a zip or one picture.

    A zip is unpacked into `unpack_into`; one folder around everything in it, and a table at its top, are seen
    through. Nothing is decoded here. Raises InputError when the source
    does not exist or holds no pictures, saying what was expected.
    """
    path = Path(source).expanduser()
    if not path.exists():
        raise InputError(f"{source} does not exist. Give a folder, a table (.csv, .jsonl, .parquet) or a zip.")
    if path.is_file() and path.suffix.lower() == ".zip":
        if unpack_into is None:
            raise InputError(
                f"{path.name} is a zip; unpack it first, or teach it, which unpacks it into the workspace."
            )
        path = _top_of(unpack_zip(path, unpack_into))
    layout, examples, skipped = _list(path)
    if not examples:
        found = "; ".join(f"{name}: {reason}" for name, reason in skipped[:3])
        raise InputError(
            f"{source} holds no pictures. Expected one folder per class with pictures in it, or a table with the "
            f"columns path and label. Found {found + ', ...' * (len(skipped) > 3) if found else 'nothing'}."
        )
    return Listing(str(source), layout, tuple(map(_tidy, examples)), tuple(skipped))


def _list(path: Path) -> tuple[str, list[Example], Skipped]:
    if path.is_dir():
        return list_folder(path)
    if path.suffix.lower() in SUFFIXES:
        return "table", *list_table(path)
    if is_picture(path):
        return "picture", [Example(str(path.absolute()), path.name)], []
    raise InputError(f"{path.name} is neither a folder, a table ({', '.join(SUFFIXES)}), a zip nor a picture.")


def _top_of(folder: Path) -> Path:
    """What an unpacked zip is about: its only table that names pictures, or the folder that holds the classes."""
    content = find_content(folder, tables=SUFFIXES)
    tables = [path for path in content.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()]
    return tables[0] if len(tables) == 1 and names_pictures(tables[0]) else content


def _tidy(example: Example) -> Example:
    """One spelling per label, whatever the file system stores."""
    labels, denied = (tuple(dict.fromkeys(map(_label, names))) for names in (example.labels, example.not_labels))
    if (labels, denied) == (example.labels, example.not_labels):
        return example
    return replace(example, labels=labels, not_labels=denied)


def _label(text: str) -> str:
    label = unicodedata.normalize("NFC", text).strip()
    if label.startswith(NOT):
        raise InputError(f"A label must not start with {NOT!r}: {label}. Rename it.")
    return label
