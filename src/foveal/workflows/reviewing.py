"""Pictures that were looked at, kept so that people can say what they show: which to ask about first, and teaching them."""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from foveal.core.contracts import Code, Progress, silent
from foveal.core.errors import BusyError, InputError
from foveal.core.example import Example
from foveal.core.gallery import Kept, NewPicture
from foveal.core.image import Capture, Image
from foveal.core.prediction import Prediction
from foveal.imaging.appearance import measure_appearance
from foveal.imaging.thumbnail import make_thumbnail
from foveal.store.database import DATABASE
from foveal.store.files import write_aside
from foveal.store.gallery.local import LocalGallery
from foveal.store.rows import NewExample
from foveal.store.workspace import Workspace
from foveal.workflows.finding.forgetting import forget_from_gallery
from foveal.workflows.learned import Learned, fit_workspace
from foveal.workflows.model_file import open_source
from foveal.workflows.sources.archive import UNPACKED
from foveal.workflows.workspace_model import keep_model

LOOKED = "looked"  # the folder of kept looks inside a workspace's, and their kind
LOOKS = "looks"  # where copies of pictures that people settled lie
THUMBNAIL = 256
WAIT_S = 10.0  # for another process that keeps a look


@dataclass(frozen=True, eq=False)
class Asked:
    """A kept picture and why to ask about it; the larger `worth`, the more an answer teaches."""

    name: str
    prediction: Prediction
    worth: float
    reason: str


def keep_look(
    folder: Path, data: bytes, seen: tuple[Image, Capture, Code], prediction: Prediction, settings: Mapping[str, Any]
) -> str:
    """Keep a picture that was looked at and what was answered; returns its name."""
    image, capture, code = seen
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
    looked = folder / LOOKED
    path = looked / UNPACKED / LOOKED / f"{name}.{capture.format.lower()}"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_aside(path, [data])
    new = NewPicture(
        name, name, str(path), code, np.zeros(0, np.float32), capture, measure_appearance(image),
        make_thumbnail(image, THUMBNAIL), hidden=True,
    )  # fmt: skip
    columns = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "answer": prediction.label or ""}
    store = _open(looked, settings)
    try:
        _patiently(lambda: store.add([new], {name: columns}))
    finally:
        store.close()
    return name


def _patiently(change: Any) -> None:
    until = time.monotonic() + WAIT_S
    while True:
        try:
            change()
            return
        except BusyError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def _open(looked: Path, settings: Mapping[str, Any]) -> LocalGallery:
    if not (looked / DATABASE).exists():
        kept = {key: settings[key] for key in ("backbone", "backbone_id", "backbone_card", "dim", "name")}
        try:
            return LocalGallery.create(looked, {**kept, "kind": LOOKED})
        except BusyError:
            time.sleep(0.2)  # another process is making it
    return LocalGallery.open(looked)


def list_kept(folder: Path) -> list[Kept]:
    """Pictures kept and not settled, oldest first."""
    if not (folder / LOOKED / DATABASE).exists():
        return []
    store = LocalGallery.open(folder / LOOKED)
    try:
        return store.all_pictures()
    finally:
        store.close()


def rank_kept(folder: Path, learned: Learned, most: int = 24) -> list[Asked]:
    """The kept pictures whose labels would teach most: wide sets and odd ones first, no two alike among them."""
    kept = list_kept(folder)
    if not kept:
        return []
    store = LocalGallery.open(folder / LOOKED)
    try:
        codes = store.codes([one.picture for one in kept])
    finally:
        store.close()
    asked = [_judge(learned, one.name, code) for one, code in zip(kept, codes, strict=True)]
    unit = codes / np.linalg.norm(codes, axis=1, keepdims=True)
    worth = np.array([one.worth for one in asked])
    nearest = np.zeros(len(kept))  # similarity to what was chosen already
    chosen: list[int] = []
    while len(chosen) < min(most, len(kept)):
        score = worth - np.where(nearest > 0.8, (nearest - 0.8) * 5, 0.0)
        score[chosen] = -np.inf
        chosen.append(int(score.argmax()))
        nearest = np.maximum(nearest, unit @ unit[chosen[-1]])
    return [asked[place] for place in chosen]


def _judge(learned: Learned, name: str, code: Code) -> Asked:
    readout = learned.readout
    decision = readout.decide(code)
    could_be = tuple(readout.classes[i] for i in np.flatnonzero(decision.could_be))
    prediction = Prediction(
        name,
        tuple(readout.classes[i] for i in decision.answer),
        readout.classes,
        decision.probabilities,
        could_be,
        readout.settings.coverage,
        decision.reason,
    )
    odd = decision.oddness <= readout.settings.odd_below
    unsure = 1.0 - prediction.probability
    wide = (len(could_be) - 1) / max(1, len(readout.classes) - 1) if could_be else 1.0
    reason = "unlike" if odd else "several" if len(could_be) > 1 else "unsure" if unsure > 0.3 else "sure"
    return Asked(name, prediction, unsure + wide + (1.0 if odd else 0.0), reason)


def read_kept(folder: Path, name: str) -> tuple[Kept, bytes]:
    """A kept picture and its file; raises InputError where it is not kept."""
    found = next((one for one in list_kept(folder) if one.name == name), None)
    path = None if found is None else _copy(folder, found)
    if found is None or path is None:
        raise InputError(f"No picture {name} is kept.")
    return found, path.read_bytes()


def _copy(folder: Path, kept: Kept) -> Path | None:
    """The file of a kept picture, also after the workspace was moved."""
    path = folder / LOOKED / UNPACKED / LOOKED / Path(kept.path).name
    return path if path.is_file() else None


def settle(
    folder: Path, names: Sequence[str], *, label: str | None = None, is_not: str | None = None,
    progress: Progress = silent,
) -> Learned:  # fmt: skip
    """Teach kept pictures as what people say they show, or do not, and keep them no longer.

    Raises InputError for a name that is not kept, or where neither or both are said.
    """
    if (label is None) == (is_not is None):
        raise InputError("Say either what the pictures show or what they do not, and not both.")
    kept = {one.name: one for one in list_kept(folder)}
    unknown = [name for name in names if name not in kept]
    if unknown or not names:
        raise InputError(f"No picture {', '.join(unknown) or 'was named; none'} is kept.")
    store = LocalGallery.open(folder / LOOKED)
    try:
        new = [_to_example(folder, store, kept[name], label, is_not) for name in names]
    finally:
        store.close()
    with Workspace.open(folder, writing=True) as workspace:
        known = workspace.find("path", [one.example.path for one in new])
        workspace.add([one for one in new if one.example.path not in known])
        learned = fit_workspace(workspace, open_source(workspace.settings["backbone"]), progress=progress)
        keep_model(workspace, learned)
    forget_from_gallery(folder / LOOKED, list(names))
    return learned


def _to_example(folder: Path, store: LocalGallery, kept: Kept, label: str | None, is_not: str | None) -> NewExample:
    source = _copy(folder, kept)
    path = folder.absolute() / UNPACKED / LOOKS / Path(kept.path).name
    if source is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_aside(path, [source.read_bytes()])
    capture, appearance = store.measures()[kept.picture]
    example = Example(
        str(path), f"{LOOKS}/{path.name}", (label,) if label else (), not_labels=(is_not,) if is_not else ()
    )
    thumbnail = store.thumbnail(kept.picture)
    return NewExample(example, capture, appearance, store.codes([kept.picture])[0], thumbnail)


def list_expired(folder: Path, days: float, now: datetime | None = None) -> list[str]:
    """Names of kept pictures that are older than so many days."""
    before = ((now or datetime.now(UTC)) - timedelta(days=days)).isoformat(timespec="seconds")
    return [one.name for one in list_kept(folder) if str(one.columns.get("time", "")) < before]


def drop_kept(folder: Path, names: Sequence[str]) -> int:
    """Erase kept pictures with a certificate, as any forgetting does; returns how many."""
    return forget_from_gallery(folder / LOOKED, list(names)).n_erased if names else 0
