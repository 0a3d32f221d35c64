"""Read-outs and memories as plain arrays and back: one explicit table of what a file may hold."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from foveal.core.errors import ModelError
from foveal.memory.moments import Moments
from foveal.recognizers.classifier import Classifier, measure_lengths
from foveal.recognizers.conformal import Conformal
from foveal.recognizers.discriminant import Shrinkage
from foveal.recognizers.settings import Settings
from foveal.recognizers.tagger import Tagger

Arrays = Mapping[str, npt.NDArray[Any]]
Readout = Classifier | Tagger


@dataclass(frozen=True)
class Kind:
    """How one kind of read-out is taken apart and built again."""

    name: str
    to_arrays: Callable[[Any], dict[str, npt.NDArray[Any]]]
    from_arrays: Callable[[Arrays, dict[str, Any]], Readout]


def describe_readout(readout: Readout) -> dict[str, Any]:
    """Everything of a read-out that is not an array."""
    return {
        "kind": kind_of(readout).name,
        "labels": list(readout.labels),
        "shrinkage": asdict(readout.shrinkage),
        "sharpness": readout.sharpness,
        "settings": asdict(readout.settings),
    }


def kind_of(readout: Readout) -> Kind:
    """The row of the table for this read-out."""
    return KINDS["classifier" if isinstance(readout, Classifier) else "tagger"]


def readout_to_arrays(readout: Readout) -> dict[str, npt.NDArray[Any]]:
    """Arrays of a read-out, ready to be saved."""
    return kind_of(readout).to_arrays(readout)


def build_readout(arrays: Arrays, plain: dict[str, Any]) -> Readout:
    """Build a read-out from saved arrays and description.

    Raises ModelError when the kind is unknown or something is missing.
    """
    kind = KINDS.get(str(plain.get("kind")))
    if kind is None:
        raise ModelError(f"This file holds a {plain.get('kind')!r}; known kinds: {', '.join(KINDS)}. Update foveal.")
    try:
        return kind.from_arrays(arrays, plain)
    except (KeyError, TypeError, ValueError) as problem:
        raise ModelError(f"The recognizer file is incomplete: {problem}. Save it again.") from None


def moments_to_arrays(moments: Moments) -> dict[str, npt.NDArray[Any]]:
    """Arrays of a memory; of the symmetric second moment one half is kept."""
    return {
        "counts": moments.counts,
        "total": moments.total,
        "sums": moments.sums,
        "second": pack_symmetric(moments.second),
    }


def build_moments(arrays: Arrays, *, backbone: str, labels: tuple[str, ...], n: int) -> Moments:
    """Build a memory from saved arrays."""
    second = unpack_symmetric(arrays["second"], len(arrays["total"]))
    return Moments(backbone, labels, n, arrays["total"], arrays["counts"], arrays["sums"], second)


def pack_symmetric(matrix: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The upper triangle, row after row, of a symmetric matrix (d, d).

    >>> pack_symmetric(np.array([[1, 2], [2, 3]])).tolist()
    [1, 2, 3]
    """
    return np.concatenate([matrix[row, row:] for row in range(len(matrix))])


def unpack_symmetric(packed: npt.NDArray[Any], dim: int) -> npt.NDArray[Any]:
    """The symmetric matrix (d, d) of a packed upper triangle."""
    if len(packed) != dim * (dim + 1) // 2:
        raise ModelError(
            f"A packed symmetric matrix of {dim} rows has {dim * (dim + 1) // 2} values, got {len(packed)}."
        )
    matrix = np.empty((dim, dim), packed.dtype)
    start = 0
    for row in range(dim):
        matrix[row, row:] = matrix[row:, row] = packed[start : start + dim - row]
        start += dim - row
    return matrix


def _classifier_to_arrays(readout: Classifier) -> dict[str, npt.NDArray[Any]]:
    return {
        "counts": readout.counts,
        "weights": readout.weights,
        "biases": readout.biases,
        "means": readout.means,
        "inverse": pack_symmetric(readout.inverse),
        "distances": readout.distances,
        **_conformal_to_arrays("conformal", readout.conformal),
    }


def _classifier_from_arrays(arrays: Arrays, plain: dict[str, Any]) -> Classifier:
    inverse = unpack_symmetric(arrays["inverse"], arrays["means"].shape[1])
    return Classifier(
        labels=tuple(plain["labels"]),
        counts=arrays["counts"],
        weights=arrays["weights"],
        biases=arrays["biases"],
        means=arrays["means"],
        inverse=inverse,
        lengths=measure_lengths(arrays["means"], inverse),
        shrinkage=Shrinkage(**plain["shrinkage"]),
        sharpness=float(plain["sharpness"]),
        conformal=_conformal_from_arrays("conformal", arrays),
        distances=arrays["distances"],
        settings=settings_from(plain["settings"]),
    )


def _tagger_to_arrays(readout: Tagger) -> dict[str, npt.NDArray[Any]]:
    return {
        "counts": readout.counts,
        "weights": readout.weights,
        "biases": readout.biases,
        "mean": readout.mean,
        "inverse": pack_symmetric(readout.inverse),
        "distances": readout.distances,
        **_conformal_to_arrays("present", readout.present),
        **_conformal_to_arrays("absent", readout.absent),
    }


def _tagger_from_arrays(arrays: Arrays, plain: dict[str, Any]) -> Tagger:
    return Tagger(
        labels=tuple(plain["labels"]),
        counts=arrays["counts"],
        weights=arrays["weights"],
        biases=arrays["biases"],
        mean=arrays["mean"],
        inverse=unpack_symmetric(arrays["inverse"], len(arrays["mean"])),
        shrinkage=Shrinkage(**plain["shrinkage"]),
        sharpness=float(plain["sharpness"]),
        present=_conformal_from_arrays("present", arrays),
        absent=_conformal_from_arrays("absent", arrays),
        distances=arrays["distances"],
        settings=settings_from(plain["settings"]),
    )


def settings_from(plain: dict[str, Any]) -> Settings:
    """Settings from plain values, as JSON gives them."""
    weights = tuple((str(label), float(weight)) for label, weight in plain.get("weights", ()))
    return Settings(**{**plain, "weights": weights})


def _conformal_to_arrays(name: str, conformal: Conformal) -> dict[str, npt.NDArray[Any]]:
    return {f"{name}_own": conformal.own, f"{name}_starts": conformal.starts}


def _conformal_from_arrays(name: str, arrays: Arrays) -> Conformal:
    own = arrays[f"{name}_own"]
    return Conformal(own, arrays[f"{name}_starts"], np.sort(own))


KINDS = {
    "classifier": Kind("classifier", _classifier_to_arrays, _classifier_from_arrays),
    "tagger": Kind("tagger", _tagger_to_arrays, _tagger_from_arrays),
}
