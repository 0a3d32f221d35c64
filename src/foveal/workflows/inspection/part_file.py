"""Inspectors as plain arrays and back."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from foveal.core.errors import ModelError
from foveal.recognizers.aligned import Aligned
from foveal.recognizers.anywhere import Anywhere
from foveal.recognizers.classifier import Classifier
from foveal.recognizers.inspector import ALIGNED, ANYWHERE, Inspector, Yardstick
from foveal.recognizers.overall import Overall
from foveal.store.recognizer_file import read_recognizer_file, write_recognizer_file
from foveal.workflows.kinds import build_readout, describe_readout, readout_to_arrays

Arrays = dict[str, npt.NDArray[Any]]


def write_inspector(
    path: Path, inspector: Inspector, kinds: Classifier | None, manifest: dict[str, Any], card: dict[str, Any]
) -> str:
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
    documents: dict[str, dict[str, Any]] = {"inspector": plain, "card": card}
    if kinds is not None:
        arrays["kinds"], documents["kinds"] = readout_to_arrays(kinds), describe_readout(kinds)
    return write_recognizer_file(path, manifest, arrays, documents)


def read_inspector(path: Path) -> tuple[Inspector, Classifier | None, dict[str, Any]]:
    """Read an inspector, what it knows of kinds of defects, and what its file says of itself.

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
    if "kinds" not in file.arrays:
        return inspector, None, file.manifest
    kinds = build_readout(file.arrays["kinds"], file.documents["kinds"])
    return inspector, kinds if isinstance(kinds, Classifier) else None, file.manifest


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
