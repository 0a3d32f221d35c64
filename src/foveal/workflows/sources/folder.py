"""Pictures in folders: one folder per class, split folders, or good and defective parts."""

import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path

from foveal.audits.natural_order import natural_key
from foveal.core.errors import InputError
from foveal.core.example import Example

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff", ".dcm", ".dicom",
     ".mpo", ".ppm", ".pgm", ".pbm", ".pnm", ".apng", ".heic", ".heif", ".avif"}
)  # fmt: skip
SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
COMPANIONS = frozenset(
    {"", ".txt", ".md", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".html", ".pdf", ".log", ".ini", ".py",
     ".xls", ".xlsx", ".parquet", ".db", ".tmp"}
)  # fmt: skip
IGNORED = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
MASKS = "ground_truth"
Skipped = list[tuple[str, str]]  # name and reason


def is_picture(path: Path) -> bool:
    """Whether a file is meant to be a picture: by its suffix, or without one by the DICOM mark."""
    if path.suffix:
        return path.suffix.lower() in SUFFIXES
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def list_folder(root: Path) -> tuple[str, list[Example], Skipped]:
    """Name the layout of a folder, list its pictures in natural order, and say what was passed over.

    Folders are splits when nothing but train, val and test stand there, or when two of them do and
    each holds folders, as classes would. Raises InputError when the folder cannot be listed.
    """
    root = root.absolute()
    skipped: Skipped = []
    entries = _scan(root, root, skipped)
    if entries is None:
        raise InputError(f"{root} cannot be listed: {skipped[0][1]}. Give a folder you may read.")
    folders = [entry.name for entry in entries if _is_folder(entry)]
    splits = [name for name in folders if name.lower() in SPLITS]
    masks = [name for name in folders if name.lower() == MASKS]
    alone = len(splits) + len(masks) == len(folders)
    several = len({SPLITS[name.lower()] for name in splits}) > 1 and all(_holds_folders(root / name) for name in splits)
    if not splits or not (alone or several):
        return "folder per class", list(_list_classes(root, root, None, skipped)), skipped
    skipped += [
        (entry.name, "beside the split folders")
        for entry in entries
        if entry.name not in (*splits, *masks) and (_is_folder(entry) or is_picture(Path(entry.path)))
    ]
    examples = [e for name in splits for e in _list_classes(root, root / name, SPLITS[name.lower()], skipped)]
    return "good and defects" if masks else "split folders", examples, skipped


def find_content(folder: Path, *, tables: Collection[str] = ()) -> Path:
    """Go down while a folder holds nothing but one folder of folders or of tables, as zips of a folder do."""
    while True:
        entries = _scan(folder, folder, []) or []
        only = Path(entries[0].path) if len(entries) == 1 and _is_folder(entries[0]) else None
        if only is None or not _is_no_class(only, tables):
            return folder
        folder = only


def _list_classes(root: Path, top: Path, split: str | None, skipped: Skipped) -> Iterator[Example]:
    """Pictures below `top`; the first folder below it is the class, files directly in it have none."""
    above, within = len(str(root)) + 1, len(str(top)) + 1
    for path in _walk(root, top, skipped):
        label, slash, _ = path[within:].partition("/")
        yield Example(path, path[above:], labels=(label,) if slash else (), split=split)


def _walk(root: Path, top: Path, skipped: Skipped) -> Iterator[str]:
    """Pictures below a folder, natural order, every real folder once whatever links say."""
    seen: set[tuple[int, int]] = set()
    waiting = [str(top)]
    while waiting:
        folder = Path(waiting.pop())
        entries = _scan(root, folder, skipped)
        if entries is None or _was_seen(folder, seen):
            continue
        below = []
        for entry in entries:
            if _is_folder(entry):
                below.append(entry.path)
            elif (why := _why_not(entry)) == "":
                yield entry.path
            elif why:
                skipped.append((_below(root, entry.path), why))
        waiting += reversed(below)


def _was_seen(folder: Path, seen: set[tuple[int, int]]) -> bool:
    status = folder.stat()
    key = status.st_dev, status.st_ino
    known = key in seen
    seen.add(key)
    return known


def _scan(root: Path, folder: Path, skipped: Skipped) -> list[os.DirEntry[str]] | None:
    """Entries that count, natural order; None, and a line in `skipped`, where the folder cannot be read."""
    try:
        with os.scandir(folder) as entries:
            kept = [entry for entry in entries if not _is_ignored(entry.name)]
    except OSError as problem:
        skipped.append((_below(root, str(folder)), problem.strerror or "cannot be read"))
        return None
    return sorted(kept, key=lambda entry: natural_key(entry.name))


def _why_not(entry: os.DirEntry[str]) -> str | None:
    """Why an entry is no picture, empty when it is one; None for texts and tables, which nobody takes for one."""
    if not entry.is_file(follow_symlinks=False):  # told by the listing itself; only the rest costs a call
        try:
            if not stat.S_ISREG(entry.stat().st_mode):
                return "not a file"
        except OSError:
            return "a link that leads nowhere"
    suffix = os.path.splitext(entry.name)[1].lower()
    if suffix in SUFFIXES or (not suffix and is_picture(Path(entry.path))):
        return ""
    return None if suffix in COMPANIONS else f"{suffix} is not a picture format that is read"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _holds_folders(folder: Path) -> bool:
    return any(_is_folder(entry) for entry in _scan(folder, folder, []) or ())


def _is_no_class(folder: Path, tables: Collection[str]) -> bool:
    entries = _scan(folder, folder, []) or ()
    return any(_is_folder(entry) or Path(entry.name).suffix.lower() in tables for entry in entries)


def _below(root: Path, path: str) -> str:
    return Path(path).relative_to(root).as_posix()


def _is_ignored(name: str) -> bool:
    return name.startswith(".") or name.lower() in IGNORED
