"""Networks from the Hugging Face hub, where the network allows: hf:OWNER/REPO/PATH.onnx@REVISION.

The card NAME.card.json must stand beside the file in the same repository; it carries the SHA-256
that the file is checked against.
"""

from collections.abc import Callable
from pathlib import Path

from foveal.core.errors import InputError, MissingExtraError, ModelError

Fetch = Callable[[str, str, str | None], str]  # repository, file, revision -> local path


def fetch_onnx(address: str, fetch: Fetch | None = None) -> Path:
    """Bring an ONNX file and its card to this machine and return the file's path.

    Raises InputError for an address of another form, MissingExtraError without the hub's library,
    ModelError when the hub cannot be reached or has no such file.
    """
    repository, file, revision = _split(address)
    fetch = fetch or _fetch_from_hub
    try:
        path = Path(fetch(repository, file, revision))
        fetch(repository, str(Path(file).with_suffix(".card.json")), revision)
    except (OSError, ValueError) as problem:
        raise ModelError(
            f"Cannot fetch {file} of {repository}: {problem}. Download the file and its card elsewhere and give its path."
        ) from None
    return path


def fetch_files(address: str, list_files: Callable[[Path], list[str]], fetch: Fetch | None = None) -> Path:
    """Bring a card, OWNER/REPO/PATH.json, and the files beside it that `list_files` reads from it; returns its path.

    Raises as `fetch_onnx` does.
    """
    repository, file, revision = _split(address, ".json")
    fetch = fetch or _fetch_from_hub
    try:
        card = Path(fetch(repository, file, revision))
        for name in list_files(card):
            fetch(repository, str(Path(file).parent / name), revision)
    except (OSError, ValueError) as problem:
        raise ModelError(
            f"Cannot fetch {file} of {repository} and its files: {problem}. Give a path instead."
        ) from None
    return card


def _split(address: str, suffix: str = ".onnx") -> tuple[str, str, str | None]:
    where, _, revision = address.partition("@")
    parts = where.split("/")
    if len(parts) < 3 or not parts[-1].endswith(suffix):
        raise InputError(
            f"A hub address is hf:OWNER/REPO/PATH{suffix} or hf:OWNER/REPO/PATH{suffix}@REVISION, got hf:{address}."
        )
    return "/".join(parts[:2]), "/".join(parts[2:]), revision or None


def _fetch_from_hub(repository: str, file: str, revision: str | None) -> str:
    try:
        from huggingface_hub import hf_hub_download
    except ImportError:
        raise MissingExtraError("The Hugging Face hub", "hub") from None
    path: str = hf_hub_download(repository, file, revision=revision)
    return path
