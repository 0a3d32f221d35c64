"""What a gallery learned, metric and probability of the same item, as a file and back."""

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from foveal.core.card import BackboneCard
from foveal.core.errors import ModelError
from foveal.core.gallery import GALLERY
from foveal.recognizers.metric import Metric, make_plain
from foveal.recognizers.metric_choice import Tried
from foveal.recognizers.same_item import SameItem
from foveal.store.recognizer_file import read_recognizer_file, write_recognizer_file


@dataclass(frozen=True, eq=False)
class GalleryModel:
    """The metric in use, the probability of the same item where the catalogue can tell, and what was tried."""

    metric: Metric
    same_item: SameItem | None = None
    tried: tuple[Tried, ...] = ()
    n: int = 0  # pictures it was learned from
    last_id: int = 0  # the newest of them
    group_limit: float | None = None  # mean similarity from which on pictures count as one item


def blank_model(dim: int) -> GalleryModel:
    """Nothing learned: codes are compared as they are."""
    return GalleryModel(make_plain(dim))


def model_to_bytes(model: GalleryModel, settings: dict[str, Any]) -> bytes:
    """The file of a model; `settings` are those of its gallery."""
    card = BackboneCard.from_dict(settings["backbone_card"])
    manifest = {
        "kind": GALLERY,
        "backbone": {"id": settings["backbone_id"], "sha256": card.sha256, "source": settings["backbone"]},
        "classes": [],
        "licenses": {f"backbone code ({card.name})": card.license_code, "backbone weights": card.license_weights},
    }
    arrays: dict[str, npt.NDArray[Any]] = {"mean": model.metric.mean}
    if model.metric.axes is not None:
        arrays["axes"] = model.metric.axes.astype(np.float32)
    plain = {
        "metric": model.metric.kind,
        "same_item": None if model.same_item is None else asdict(model.same_item),
        "tried": [asdict(one) for one in model.tried],
        "n": model.n,
        "last_id": model.last_id,
        "group_limit": model.group_limit,
    }
    with tempfile.TemporaryDirectory(prefix="foveal-") as folder:
        file = Path(folder) / "model.foveal"
        write_recognizer_file(file, manifest, {"metric": arrays}, {"gallery": plain})
        return file.read_bytes()


def model_from_bytes(data: bytes) -> GalleryModel:
    """Read a model; raises ModelError or IntegrityError when it must not be used."""
    with tempfile.TemporaryDirectory(prefix="foveal-") as folder:
        path = Path(folder) / "model.foveal"
        path.write_bytes(data)
        file = read_recognizer_file(path)
    try:
        plain, arrays = file.documents["gallery"], file.arrays["metric"]
        axes = arrays["axes"].astype(np.float64) if "axes" in arrays else None
        return GalleryModel(
            Metric(str(plain["metric"]), arrays["mean"].astype(np.float64), axes),
            None if plain["same_item"] is None else SameItem(**plain["same_item"]),
            tuple(Tried(**one) for one in plain["tried"]),
            int(plain["n"]),
            int(plain["last_id"]),
            None if plain["group_limit"] is None else float(plain["group_limit"]),
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise ModelError(
            f"What the gallery learned cannot be read: {problem}. Learn it again: foveal index CATALOGUE --learn"
        ) from None
