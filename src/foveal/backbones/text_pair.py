"""A user's own text-image pair (CLIP-like): two ONNX files that map pictures and words into one space.

The card is JSON, NAME.pair.json, with the fields of a backbone's card and `files`: image, text and tokenizer, each with
`file` (beside the card) and `sha256`; the card's own sha256 is that of the three, one after another, in
hexadecimal. The image graph takes float32 (1, 3, size, size) and gives an embedding (1, d) or several outputs of
which one is; the text graph takes int64 token ids (1, length), and the attention mask where it has an input of
that name, and gives (1, d). The tokenizer is a tokenizer.json. Source of the idea: Radford et al. 2021,
arXiv:2103.00020.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import onnx
from google.protobuf.message import DecodeError as ProtobufError

from foveal.backbones.hub import fetch_files
from foveal.backbones.preprocess import fit_view
from foveal.core.card import BackboneCard
from foveal.core.contracts import Float32s, Session
from foveal.core.errors import InputError, MissingExtraError, ModelError
from foveal.core.hashing import hash_bytes
from foveal.core.image import Image
from foveal.runtime.sessions import open_session

PARTS = ("image", "text", "tokenizer")
MOST_TOKENS = 77  # of a text, as CLIP has it; a card may say otherwise
VIEW = "center"


@final
@dataclass(frozen=True, eq=False)
class TextPair:
    """Embeds pictures and words so that what belongs together is near. Safe to call from several threads at once."""

    card: BackboneCard
    dim: int
    image: Session
    text: Session
    tokenizer: Any
    ends: tuple[str, str, tuple[str, ...], str]  # image input and output, text inputs and output
    most_tokens: int

    @property
    def id(self) -> str:
        """Name and hash; codes of different ids never share a gallery."""
        return f"{self.card.name}@{self.card.sha256[:12]}:{self.card.input_size}:{VIEW}:pair"

    def pool(self, image: Image) -> Float32s:
        """The embedding of an image, float32 (d,), not yet of unit length."""
        card = self.card
        pixels = fit_view(image, card.input_size, VIEW).transpose(0, 3, 1, 2).astype(np.float32)
        mean, std = (np.reshape(np.asarray(v, np.float32), (1, 3, 1, 1)) for v in (card.mean, card.std))
        taken, given, _, _ = self.ends
        return np.asarray(self.image.run((given,), {taken: (pixels - mean) / std})[0][0])

    def embed_text(self, words: str) -> Float32s:
        """The embedding of words, float32 (d,); raises InputError where there are none."""
        if not words.strip():
            raise InputError("Searching by words needs some. Give a text such as 'red shoes'.")
        encoded = self.tokenizer.encode(words)
        tokens = np.array([encoded.ids[: self.most_tokens]], np.int64)
        if not tokens.size:
            raise InputError(f"The tokenizer of {self.card.name} knows none of these words: {words!r}.")
        _, _, inputs, given = self.ends
        every = {name: np.ones_like(tokens) if "mask" in name else tokens for name in inputs}
        return np.asarray(self.text.run((given,), every)[0][0])


def open_text_pair(address: str) -> TextPair:
    """Open a pair by the path of its card, or hf:OWNER/REPO/NAME.pair.json.

    Raises ModelError when a file is not what the card says, MissingExtraError without the tokenizer's library.
    """
    path = fetch_files(address.removeprefix("hf:"), _list_files) if address.startswith("hf:") else Path(address)
    plain = _read_card(path)
    try:
        card = BackboneCard.from_dict(
            {key: value for key, value in plain.items() if key not in ("files", "most_tokens")}
        )
        files = {part: (path.parent / plain["files"][part]["file"], plain["files"][part]["sha256"]) for part in PARTS}
    except (KeyError, TypeError) as problem:
        raise ModelError(
            f"{path.name} must name the files {', '.join(PARTS)}, each with file and sha256: {problem}."
        ) from None
    parts = {part: _read_part(file, promised) for part, (file, promised) in files.items()}
    together = hashlib.sha256("".join(files[part][1] for part in PARTS).encode()).hexdigest()
    if card.sha256 != together:
        raise ModelError(
            f"{path.name}: its sha256 must be {together}, of the three files' hashes; it says {card.sha256}."
        )
    image, text = (open_session(parts[part]) for part in ("image", "text"))
    ends = (*_image_ends(parts["image"], files["image"][0].name), *_text_ends(parts["text"], files["text"][0].name))
    pair = TextPair(
        card, 0, image, text, _open_tokenizer(parts["tokenizer"]), ends, int(plain.get("most_tokens", MOST_TOKENS))
    )
    blank = Image(np.zeros((card.input_size, card.input_size, 3), np.uint8), "blank")
    found, words = pair.pool(blank), pair.embed_text("a")
    if found.ndim != 1 or found.shape != words.shape:
        raise ModelError(f"{path.name}: pictures give {found.shape} and words {words.shape}; both must give one (d,).")
    return TextPair(card, len(found), image, text, pair.tokenizer, ends, pair.most_tokens)


def _list_files(card: Path) -> list[str]:
    try:
        return [str(_read_card(card)["files"][part]["file"]) for part in PARTS]
    except (KeyError, TypeError) as problem:
        raise ModelError(f"{card.name} must name the files {', '.join(PARTS)}: {problem}.") from None


def _read_card(path: Path) -> dict[str, Any]:
    try:
        plain = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise ModelError(f"Cannot read the card of the text-image pair {path}: {problem}.") from None
    if not isinstance(plain, dict):
        raise ModelError(f"{path.name} must hold one JSON object, got {type(plain).__name__}.")
    return plain


def _read_part(file: Path, promised: str) -> bytes:
    try:
        data = file.read_bytes()
    except OSError as problem:
        raise ModelError(f"Cannot read {file}: {problem}.") from None
    found = hash_bytes(data)
    if found != promised:
        raise ModelError(f"{file.name} is not the file its card describes: expected SHA-256 {promised}, got {found}.")
    return data


def _open_tokenizer(data: bytes) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise MissingExtraError("Searching by words", "text") from None
    try:
        json.loads(data)  # the library raises a bare Exception for what is no JSON
        return Tokenizer.from_str(data.decode("utf-8"))
    except ValueError as problem:
        raise ModelError(f"The tokenizer of this text-image pair cannot be read: {problem}.") from None


def _graph(data: bytes, name: str) -> onnx.GraphProto:
    try:
        return onnx.load_model_from_string(data).graph
    except ProtobufError:
        raise ModelError(f"{name} is not an ONNX file.") from None


def _inputs(graph: onnx.GraphProto) -> list[str]:
    weights = {tensor.name for tensor in graph.initializer}
    return [taken.name for taken in graph.input if taken.name not in weights]


def _output(graph: onnx.GraphProto, name: str) -> str:
    """The output of two dimensions; one called ..._embeds where there are several."""
    flat = [given.name for given in graph.output if len(given.type.tensor_type.shape.dim) == 2]
    if not flat:
        raise ModelError(f"{name} must give an embedding of two dimensions, (1, d). Export it that way.")
    return str(next((given for given in flat if "embed" in given), flat[0]))


def _image_ends(data: bytes, name: str) -> tuple[str, str]:
    graph = _graph(data, name)
    inputs = _inputs(graph)
    if len(inputs) != 1:
        raise ModelError(f"{name} must take one input, the picture; it takes {', '.join(inputs) or 'none'}.")
    return inputs[0], _output(graph, name)


def _text_ends(data: bytes, name: str) -> tuple[tuple[str, ...], str]:
    graph = _graph(data, name)
    inputs = _inputs(graph)
    if not 1 <= len(inputs) <= 2 or (len(inputs) == 2 and sum("mask" in taken for taken in inputs) != 1):
        raise ModelError(
            f"{name} must take token ids, and a mask if it needs one; it takes {', '.join(inputs) or 'none'}."
        )
    return tuple(inputs), _output(graph, name)
