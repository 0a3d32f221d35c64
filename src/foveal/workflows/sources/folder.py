"""Pictures in folders: one folder per class, split folders, or good and defective parts."""

import os
from collections.abc import Iterator
from pathlib import Path

from foveal.audits.natural_order import natural_key
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
IGNORED = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
MASKS = "ground_truth"


def is_picture(path: Path) -> bool:
    """Whether a file is meant to be a picture: by its suffix, or without one by the DICOM mark."""
    if path.suffix:
        return path.suffix.lower() in SUFFIXES
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def list_folder(root: Path) -> tuple[str, list[Example]]:
    """Name the layout of a folder and list its pictures, in natural order."""
    root = root.absolute()
    first = set(_folders(root))
    splits = {name for name in first if name.lower() in SPLITS}
    if splits and first <= splits | {name for name in first if name.lower() == MASKS}:
        examples = [e for split in sorted(splits) for e in _list_classes(root, root / split, SPLITS[split.lower()])]
        return ("good and defects" if MASKS in {n.lower() for n in first} else "split folders"), examples
    return "folder per class", list(_list_classes(root, root, None))


def _list_classes(root: Path, top: Path, split: str | None) -> Iterator[Example]:
    """Pictures below `top`; the first folder below it is the class, files directly in it have none."""
    for path in _walk(top):
        inside = path.relative_to(top).parts
        name = path.relative_to(root).as_posix()
        yield Example(str(path), name, labels=inside[:1] if len(inside) > 1 else (), split=split)


def _walk(top: Path) -> Iterator[Path]:
    """Pictures below a folder, natural order, every real folder once whatever links say."""
    seen: set[tuple[int, int]] = set()
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            status = folder.stat()
            entries = sorted(os.scandir(folder), key=lambda entry: natural_key(entry.name))
        except OSError:
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        kept = [entry for entry in entries if not _ignored(entry.name)]
        yield from (Path(entry.path) for entry in kept if not entry.is_dir() and is_picture(Path(entry.path)))
        waiting += [Path(entry.path) for entry in reversed(kept) if entry.is_dir()]


def _folders(root: Path) -> list[str]:
    return [entry.name for entry in os.scandir(root) if entry.is_dir() and not _ignored(entry.name)]


def _ignored(name: str) -> bool:
    return name.startswith(".") or name.lower() in IGNORED
