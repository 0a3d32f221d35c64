"""Inspectors as plain arrays and back."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from foveal.core.errors import ModelError
from foveal.recognizers.aligned import Aligned
from foveal.recognizers.anywhere import Anywhere
from foveal.recognizers.inspector import ALIGNED, ANYWHERE, Inspector, Yardstick
from foveal.recognizers.overall import Overall
from foveal.store.recognizer_file import read_recognizer_file, write_recognizer_file

Arrays = dict[str, npt.NDArray[Any]]


def write_inspector(path: Path, inspector: Inspector, manifest: dict[str, Any], card: dict[str, Any]) -> str:
    """Write an inspector and return the file's SHA-256; it holds no pictures and no names of any."""
    plain = {
        "way": inspector.way,
        "shape": list(inspector.shape),
        "on_patches": list(inspector.on_patches),
        "on_whole": list(inspector.on_whole),
        "false_alarms": inspector.false_alarms,
    }
    arrays = {
        "good": {"left_out": inspector.left_out, "peaks": inspector.peaks, "whole": inspector.whole},
        "patches": _take_apart(inspector.patches),
        "overall": {
            "project": inspector.overall.project,
            "mean": inspector.overall.mean,
            "factor": inspector.overall.factor,
        },
    }
    return write_recognizer_file(path, manifest, arrays, {"inspector": plain, "card": card})


def read_inspector(path: Path) -> tuple[Inspector, dict[str, Any]]:
    """Read an inspector and what its file says of itself.

    Raises ModelError or IntegrityError when the file must not be loaded.
    """
    file = read_recognizer_file(path)
    try:
        plain, good = file.documents["inspector"], file.arrays["good"]
        rows, columns, dim = (int(side) for side in plain["shape"])
        inspector = Inspector(
            shape=(rows, columns, dim),
            patches=_build(str(plain["way"]), file.arrays["patches"], (rows, columns)),
            overall=Overall(**file.arrays["overall"]),
            left_out=good["left_out"],
            peaks=good["peaks"],
            whole=good["whole"],
            on_patches=Yardstick(*plain["on_patches"]),
            on_whole=Yardstick(*plain["on_whole"]),
            false_alarms=float(plain["false_alarms"]),
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise ModelError(f"{path.name} holds no inspector, or not all of one: {problem}.") from None
    return inspector, file.manifest


def _take_apart(patches: Aligned | Anywhere) -> Arrays:
    if isinstance(patches, Aligned):
        lower = np.tril_indices(patches.factors.shape[1])
        return {"project": patches.project, "means": patches.means, "factors": patches.factors[:, lower[0], lower[1]]}
    return {"project": patches.project, "mean": patches.mean, "memory": patches.memory}


def _build(way: str, arrays: Arrays, grid: tuple[int, int]) -> Aligned | Anywhere:
    if way == ANYWHERE:
        return Anywhere(grid, arrays["project"], arrays["mean"], arrays["memory"])
    if way != ALIGNED:
        raise ModelError(f"This file inspects in the way {way!r}, which is not known here. Update foveal.")
    k = arrays["means"].shape[1]
    rows, columns = np.tril_indices(k)
    factors = np.zeros((len(arrays["means"]), k, k), np.float32)
    factors[:, rows, columns] = arrays["factors"]
    return Aligned(arrays["project"], arrays["means"], factors)
