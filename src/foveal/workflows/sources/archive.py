"""Pictures in a zip, unpacked without trusting it."""

import re
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from lzma import LZMAError
from pathlib import Path, PurePosixPath

from foveal.core.errors import InputError
from foveal.core.hashing import hash_file

UNPACKED = "unpacked"  # folder of a workspace that zips are unpacked into
MAX_FILES = 1_000_000
MAX_BYTES = 200 * 2**30  # unpacked, all together
MAX_RATIO = 200  # of one file; pictures hardly shrink, bombs shrink a thousandfold
CHUNK = 1 << 20
_FRAME = re.compile(r"#\d+$")
_DRIVE = re.compile(r"[A-Za-z]:")


def unpack_zip(path: Path, into: Path) -> Path:
    """Unpack a zip into a folder below `into` named by its hash, once; returns that folder.

    Raises InputError for a damaged or encrypted zip, for names that lead outside, for links, and
    for what unpacks to far more than it should.
    """
    folder = into / hash_file(path)[:16]
    done = folder / ".complete"
    if done.exists():
        return folder
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            _check(path, infos)
            for info in infos:
                _unpack(archive, info, folder, path.name)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, zlib.error, LZMAError) as problem:
        raise InputError(
            f"{path.name} cannot be unpacked: {problem}. Make the zip again, without a password."
        ) from None
    except OSError as problem:
        raise InputError(f"{path.name} cannot be unpacked into {folder}: {problem}.") from None
    done.touch()
    return folder


def delete_unpacked(workspace: Path, forgotten: Iterable[str], kept: Iterable[str]) -> int:
    """Delete a workspace's own copies of forgotten pictures, also after the workspace was moved; returns how many.

    `forgotten` and `kept` are paths of examples; a file that a kept example shares (a frame) stays.
    """
    folders = [folder for folder in (workspace / UNPACKED).glob("*") if folder.is_dir()]
    own = {file for path in forgotten for file in _copies(folders, path)}
    own -= {file for path in kept for file in _copies(folders, path)} if own else set()
    for file in own:
        file.unlink(missing_ok=True)
    return len(own)


def _copies(folders: Iterable[Path], path: str) -> Iterator[Path]:
    for folder in folders:
        _, mark, inside = path.rpartition(f"/{UNPACKED}/{folder.name}/")
        for name in (inside, _FRAME.sub("", inside)) if mark else ():
            if (folder / name).is_file():
                yield folder / name
                break


def _check(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    if len(infos) > MAX_FILES or sum(info.file_size for info in infos) > MAX_BYTES:
        raise InputError(f"{path.name} unpacks to more than {MAX_FILES} files or {MAX_BYTES >> 30} GiB.")
    for info in infos:
        inside = PurePosixPath(info.filename.replace("\\", "/"))
        if not inside.parts or inside.is_absolute() or ".." in inside.parts or _DRIVE.match(inside.parts[0]):
            raise InputError(f"{path.name} holds a name that leads outside: {info.filename!r}. Do not trust this zip.")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise InputError(f"{path.name} holds a link, {info.filename!r}; links are refused.")
        if info.file_size > CHUNK and info.file_size > MAX_RATIO * max(info.compress_size, 1):
            raise InputError(
                f"{path.name}: {info.filename!r} unpacks to {info.file_size >> 20} MiB; refused as a bomb."
            )


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path, name: str) -> None:
    target = folder.joinpath(*PurePosixPath(info.filename.replace("\\", "/")).parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(info) as source, target.open("wb") as file:
        while chunk := source.read(CHUNK):
            written += len(chunk)
            if written > info.file_size:
                raise InputError(f"{name}: {info.filename!r} is larger than the zip says; refused as a bomb.")
            file.write(chunk)
