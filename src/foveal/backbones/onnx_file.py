"""A user's own network: an ONNX file with a card beside it.

The card is JSON, NAME.card.json beside NAME.onnx, with the fields of BackboneCard. The graph takes
one float32 image (1, 3, size, size) and gives a feature map (1, d, rows, columns) or an embedding
(1, d). Features of both signs are split into their positive and their negative part, so that square-
root pooling and exact heat-maps hold for any network; d doubles then.
"""

import json
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import final

import numpy as np
import onnx
from google.protobuf.message import DecodeError as ProtobufError

from foveal.backbones.preprocess import crop_view, fit_view
from foveal.core.card import BackboneCard
from foveal.core.contracts import Backbone, Float32s, Session
from foveal.core.errors import ModelError
from foveal.core.hashing import hash_bytes
from foveal.core.image import Image
from foveal.runtime.sessions import open_session


@final
@dataclass(frozen=True, eq=False)
class OnnxFileBackbone(Backbone):
    """Runs a user's graph and pools its largest map."""

    card_: BackboneCard
    id_: str
    dim_: int
    view: str
    input_name: str
    output_name: str
    session: Session

    @property
    def card(self) -> BackboneCard:
        """What the user's card says."""
        return self.card_

    @property
    def id(self) -> str:
        """Name, file hash, size, hash of mean and std, view, output and precision."""
        return self.id_

    @property
    def dim(self) -> int:
        """Twice the channels of the map: positive and negative parts."""
        return self.dim_

    def pool(self, image: Image) -> Float32s:
        """Mean over positions of the square root of both parts, float32 (dim,)."""
        return np.asarray(np.sqrt(self.feature_maps(image)[0]).mean(axis=(1, 2), dtype=np.float32))

    def feature_maps(self, image: Image) -> tuple[Float32s, ...]:
        """One map, float32 (dim, rows, columns)."""
        card = self.card_
        pixels = fit_view(image, card.input_size, self.view).transpose(0, 3, 1, 2).astype(np.float32)
        mean, std = (np.reshape(np.asarray(v, np.float32), (1, 3, 1, 1)) for v in (card.mean, card.std))
        return (run_split(self.session, self.input_name, self.output_name, (pixels - mean) / std),)

    def crop(self, image: Image) -> Image:
        """The part of the image that the network sees."""
        return crop_view(image, self.view)


def run_split(session: Session, input_name: str, output_name: str, pixels: Float32s) -> Float32s:
    """Run one image and return max(F, 0) and max(-F, 0) stacked: (2 d, rows, columns)."""
    found = session.run((output_name,), {input_name: pixels})[0]
    grid = found.reshape(found.shape[1], *(found.shape[2:] or (1, 1)))
    return np.concatenate([np.maximum(grid, 0.0), np.maximum(-grid, 0.0)]).astype(np.float32)


def read_card(path: Path) -> BackboneCard:
    """Read the card beside an ONNX file; raises ModelError saying which fields it needs."""
    beside = path.with_suffix(".card.json")
    try:
        plain = json.loads(beside.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        fields = ", ".join(BackboneCard.__dataclass_fields__)
        raise ModelError(f"{path.name} needs a card {beside.name} beside it, JSON with {fields}: {problem}.") from None
    if not isinstance(plain, dict):
        raise ModelError(f"{beside.name} must hold one JSON object, got {type(plain).__name__}.")
    card = BackboneCard.from_dict(plain)
    if not _is_number_triple(card.mean) or not _is_number_triple(card.std) or 0 in card.std:
        raise ModelError(
            f"{beside.name}: mean and std are three numbers each, on the 0..255 scale, std not 0; "
            f"got {card.mean} and {card.std}."
        )
    if type(card.input_size) is not int or card.input_size < 1:
        raise ModelError(f"{beside.name}: input_size is a whole number of pixels above 0, got {card.input_size!r}.")
    return card


def _is_number_triple(values: tuple[object, ...]) -> bool:
    return len(values) == 3 and all(
        isinstance(v, int | float) and not isinstance(v, bool) and isfinite(v) for v in values
    )


def open_onnx_file(path: Path, *, view: str, runtime: str = "onnxruntime", precision: str = "fp32") -> Backbone:
    """Open a user's ONNX file.

    Raises ModelError when it cannot be read, differs from the card's SHA-256, or has no output
    that is a map or an embedding.
    """
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise ModelError(f"Cannot read the backbone {path}: {problem}.") from None
    card, found = read_card(path), hash_bytes(data)
    if card.sha256 != found:
        raise ModelError(
            f"{path.name} is not the file its card describes: expected SHA-256 {card.sha256}, got {found}."
        )
    input_name, output_name = _ends(data, path.name, card.input_size)
    session = open_session(data, runtime=runtime, precision=precision)
    blank = np.zeros((1, 3, card.input_size, card.input_size), np.float32)
    dim = len(run_split(session, input_name, output_name, blank))
    number = precision if runtime == "onnxruntime" else f"{runtime}-{precision}"
    scaling = hash_bytes(repr([list(map(float, v)) for v in (card.mean, card.std)]).encode())[:8]
    identity = f"{card.name}@{found[:12]}:{card.input_size}:{scaling}:{view}:{output_name}:{number}"
    return OnnxFileBackbone(card, identity, dim, view, input_name, output_name, session)


def _check_input(taken: onnx.ValueInfoProto, size: int, name: str) -> None:
    """Refuse what does not take float32 (1, 3, size, size); a side without a number takes any."""
    kind, sides = taken.type.tensor_type.elem_type, taken.type.tensor_type.shape.dim
    shape = [side.dim_value or expected for side, expected in zip(sides, (1, 3, size, size), strict=False)]
    if kind != onnx.TensorProto.FLOAT or len(sides) != 4 or shape != [1, 3, size, size]:
        raise ModelError(
            f"{name} must take one float32 image (1, 3, {size}, {size}), {size} being its card's input_size; "
            f"it takes {onnx.TensorProto.DataType.Name(kind).lower()} {tuple(shape)}. Export it that way."
        )


def _ends(data: bytes, name: str, size: int) -> tuple[str, str]:
    """Names of the input and of the output with the most dimensions, the first of equals."""
    try:
        graph = onnx.load_model_from_string(data).graph
    except ProtobufError:
        raise ModelError(f"{name} is not an ONNX file.") from None
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [x.name for x in graph.input if x.name not in weights]
    ranks = {x.name: len(x.type.tensor_type.shape.dim) for x in graph.output}
    usable = [x for x, rank in ranks.items() if rank in (2, 4)]
    if len(inputs) != 1 or not usable:
        raise ModelError(f"{name} must have one input and an output of 2 or 4 dimensions, got {inputs} and {ranks}.")
    _check_input(next(x for x in graph.input if x.name == inputs[0]), size, name)
    return inputs[0], max(usable, key=lambda x: ranks[x])
