"""Recognizers in files: the cache of a workspace, and what is handed out."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from foveal.backbones.catalog import Options, open_backbone
from foveal.core.card import BackboneCard
from foveal.core.contracts import Backbone
from foveal.core.errors import InputError, ModelError
from foveal.memory.moments import Moments
from foveal.recognizers.taught import CodesInMemory, Taught
from foveal.store.recognizer_file import RecognizerFile, read_recognizer_file, write_recognizer_file
from foveal.workflows.kinds import (
    build_moments,
    build_readout,
    describe_readout,
    moments_to_arrays,
    readout_to_arrays,
)
from foveal.workflows.learned import Learned

MEMORY_ONLY = "memory"  # kind of a file that holds moments and no read-out yet


def write_learned(
    path: Path,
    learned: Learned,
    source: dict[str, Any],
    *,
    card: dict[str, Any] | None = None,
    memory: bool = True,
    pictures: Sequence[dict[str, Any]] = (),
) -> str:
    """Write a recognizer and return the file's SHA-256.

    `source` is how its backbone is opened. `memory` adds the moments. `pictures`, one plain
    description per taught picture, adds them with their codes, which evidence, further teaching and
    forgetting need. No image is ever inside.
    """
    documents: dict[str, dict[str, Any]] = {"readout": describe_readout(learned.readout), "card": card or {}}
    arrays: dict[str, dict[str, npt.NDArray[Any]]] = {"readout": readout_to_arrays(learned.readout)}
    if memory and learned.moments is not None:
        arrays["moments"] = moments_to_arrays(learned.moments)
        documents["moments"] = _describe_moments(learned.moments)
    if pictures and learned.taught is not None:
        taught = learned.taught
        blocks = list(taught.codes.blocks(taught.ids))
        arrays["taught"] = {"ids": taught.ids, "groups": taught.groups, "codes": np.concatenate(blocks)}
        documents["taught"] = {
            "names": list(taught.names),
            "labels": [list(names) for names in taught.labels],
            "pictures": list(pictures),
        }
    backbone, plain = learned.backbone, documents["readout"]
    manifest = _manifest(backbone.id, backbone.card, source, learned.readout.labels, plain["kind"])
    return write_recognizer_file(path, {**manifest, "name": learned.name, "state": learned.state}, arrays, documents)


def write_moments(path: Path, moments: Moments, kept: dict[str, Any]) -> None:
    """Write a memory whose read-out is still to be fitted; `kept` are the settings of its workspace."""
    card = BackboneCard.from_dict(kept["backbone_card"])
    manifest = _manifest(kept["backbone_id"], card, kept["backbone"], moments.labels, MEMORY_ONLY)
    documents = {"moments": _describe_moments(moments)}
    write_recognizer_file(path, manifest, {"moments": moments_to_arrays(moments)}, documents)


def read_learned(path: Path, backbone: Backbone | None = None) -> tuple[Learned, RecognizerFile]:
    """Read a recognizer; `backbone` saves opening the one the file names.

    Raises ModelError or IntegrityError when the file must not be loaded.
    """
    file = read_recognizer_file(path)
    if file.manifest["kind"] == MEMORY_ONLY:
        raise ModelError(f"{path.name} holds a memory without a read-out. Open its workspace instead.")
    backbone = backbone or open_source(dict(file.manifest["backbone"].get("source", {})))
    if backbone.id != file.manifest["backbone"]["id"]:
        raise ModelError(
            f"{path.name} was made with the backbone {file.manifest['backbone']['id']}, "
            f"but {backbone.id} was opened. Install the backbone it names."
        )
    readout = build_readout(file.arrays["readout"], file.documents["readout"])
    name, state = str(file.manifest.get("name", path.stem)), str(file.manifest.get("state", ""))
    return Learned(name, backbone, readout, read_moments(file), _read_taught(file), None, state), file


def read_moments(file: RecognizerFile) -> Moments | None:
    """The memory inside a file, if any."""
    if "moments" not in file.arrays:
        return None
    plain = file.documents["moments"]
    return build_moments(
        file.arrays["moments"], backbone=plain["backbone"], labels=tuple(plain["labels"]), n=int(plain["n"])
    )


def open_source(source: dict[str, Any]) -> Backbone:
    """Open a backbone as a workspace or a file describes it.

    Raises InputError for one that inspects, or finds.
    """
    refuse_gallery(source)
    options = dict(source.get("options", {}))
    if "blocks" in options:
        raise InputError(
            "This inspects good parts and has no classes. Add good pictures with teach --good, take some out with "
            "forget, and judge with look."
        )
    options["maps"] = tuple(options.get("maps", Options().maps))
    return open_backbone(str(source.get("name", "")), Options(**options))


def refuse_gallery(source: dict[str, Any]) -> None:
    """Raise InputError where a backbone's description is that of a gallery."""
    if source.get("finds"):
        raise InputError("This is a gallery and has no classes: add items with index, search it with find.")


def describe_source(name: str, options: Options) -> dict[str, Any]:
    """How to open a backbone again, as plain values."""
    return {"name": name, "options": {**asdict(options), "maps": list(options.maps)}}


def _describe_moments(moments: Moments) -> dict[str, Any]:
    return {
        "backbone": moments.backbone,
        "labels": list(moments.labels),
        "n": moments.n,
        "sha256": moments.sha256(),
    }


def _manifest(
    identity: str, card: BackboneCard, source: dict[str, Any], labels: tuple[str, ...], kind: str
) -> dict[str, Any]:
    return {
        "kind": kind,
        "backbone": {"id": identity, "sha256": card.sha256, "card": card.to_dict(), "source": source},
        "classes": list(labels),
        "licenses": {f"backbone code ({card.name})": card.license_code, "backbone weights": card.license_weights},
    }


def _read_taught(file: RecognizerFile) -> Taught | None:
    if "taught" not in file.arrays:
        return None
    arrays, plain = file.arrays["taught"], file.documents["taught"]
    order = np.argsort(arrays["ids"])
    reader = CodesInMemory(arrays["ids"][order], arrays["codes"][order])
    labels = tuple(tuple(names) for names in plain["labels"])
    return Taught(arrays["ids"], tuple(plain["names"]), labels, arrays["groups"], reader)
