"""What a source holds, whatever its layout."""

import os
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path

from foveal.core.errors import InputError
from foveal.core.example import Example
from foveal.recognizers.decision import NOT
from foveal.workflows.sources.archive import unpack_zip
from foveal.workflows.sources.folder import is_picture, list_folder
from foveal.workflows.sources.table import SUFFIXES, list_table


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

    A zip is unpacked into `unpack_into`. Nothing is decoded here. Raises InputError when the source
    does not exist or holds no pictures, saying what was expected.
    """
    path = Path(source).expanduser()
    if not path.exists():
        raise InputError(f"{source} does not exist. Give a folder, a table (.csv, .jsonl, .parquet) or a zip.")
    skipped: tuple[tuple[str, str], ...] = ()
    if path.is_file() and path.suffix.lower() == ".zip":
        if unpack_into is None:
            raise InputError(
                f"{path.name} is a zip; unpack it first, or teach it, which unpacks it into the workspace."
            )
        path = unpack_zip(path, unpack_into)
    if path.is_dir():
        layout, examples = list_folder(path)
    elif path.suffix.lower() in SUFFIXES:
        layout, examples, skipped = "table", *list_table(path)
    elif is_picture(path):
        layout, examples = "picture", [Example(str(path.absolute()), path.name)]
    else:
        raise InputError(f"{path.name} is neither a folder, a table ({', '.join(SUFFIXES)}), a zip nor a picture.")
    if not examples:
        raise InputError(
            f"{source} holds no pictures. Expected one folder per class with pictures in it, or a table with the "
            f"columns path and label{'; skipped ' + str(len(skipped)) + ' rows' if skipped else ''}."
        )
    return Listing(str(source), layout, tuple(map(_tidy, examples)), tuple(skipped))


def _tidy(example: Example) -> Example:
    """One spelling per label, whatever the file system stores."""
    labels, denied = (tuple(dict.fromkeys(map(_label, names))) for names in (example.labels, example.not_labels))
    return replace(example, labels=labels, not_labels=denied)


def _label(text: str) -> str:
    label = unicodedata.normalize("NFC", text).strip()
    if label.startswith(NOT):
        raise InputError(f"A label must not start with {NOT!r}: {label}. Rename it.")
    return label
