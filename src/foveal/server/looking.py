"""What a child that looks can be asked: check a picture, answer for it, find with it. It keeps recognizers open."""

import json
from collections import OrderedDict
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from foveal.core.gallery import Found
from foveal.core.image import Capture, Image
from foveal.core.inspection import Inspection
from foveal.core.prediction import Prediction
from foveal.imaging.appearance import measure_appearance, quality_flags
from foveal.imaging.decode import decode
from foveal.imaging.draw import encode_png
from foveal.imaging.file_checks import Limits
from foveal.imaging.inspection_sheet import describe_verdict, say_verdict
from foveal.imaging.scrub import drop_metadata
from foveal.imaging.thumbnail import make_thumbnail
from foveal.memory.codes import make_code
from foveal.server.child import Report, Task
from foveal.server.wire import Message
from foveal.store.erasure import MODEL
from foveal.store.workspace import Workspace
from foveal.workflows.finding.explaining import draw
from foveal.workflows.finding.gallery import OpenGallery, open_gallery
from foveal.workflows.finding.recommending import recommend
from foveal.workflows.finding.searching import Wish, check_wish, search, see_query
from foveal.workflows.inspection.describing import describe_inspection
from foveal.workflows.inspection.keeping import open_part
from foveal.workflows.inspection.learned import LearnedInspector
from foveal.workflows.inspection.look_files import read_good
from foveal.workflows.inspection.looking import inspect_image
from foveal.workflows.learned import Learned
from foveal.workflows.look_files import read_thumbnails
from foveal.workflows.looking import look_at_image
from foveal.workflows.reviewing import keep_look, rank_kept
from foveal.workflows.seeing import KEEP, patch_eye
from foveal.workflows.showing import show_inspection, show_prediction
from foveal.workflows.workspace_model import open_workspace_model

MOST_OPEN = 8
THUMBNAIL = 192
SHOWN = 3  # taught pictures on either side

_open: OrderedDict[str, tuple[tuple[int, ...], Any]] = OrderedDict()


def _stamp(folder: Path) -> tuple[int, ...]:
    """Changes whenever something is taught or forgotten."""
    try:
        status = (folder / MODEL).stat()
    except FileNotFoundError:
        return ()
    return status.st_mtime_ns, status.st_ino, status.st_size


def _opened(address: str, kind: str) -> Any:
    """The recognizer of a workspace, read again where it has changed."""
    stamp = () if kind == "gallery" else _stamp(Path(address))
    known = _open.get(address)
    if known is None or known[0] != stamp or (not stamp and kind != "gallery"):
        opener: Any = {"classes": open_workspace_model, "inspector": open_part, "gallery": open_gallery}[kind]
        if known is not None and kind == "gallery":
            known[1].close()
        known = _open[address] = stamp, opener(Path(address) if kind != "gallery" else address)
        while len(_open) > MOST_OPEN:
            _open.popitem(last=False)
    _open.move_to_end(address)
    return known[1]


def _decode(asked: dict[str, Any], data: bytes, at_least: int | None) -> tuple[Image, Capture]:
    return decode(data, asked.get("origin", "picture"), at_least=at_least, limits=_limits(asked))


def _limits(asked: dict[str, Any]) -> Limits:
    return Limits(asked["max_pixels"], asked["max_bytes"])


def check(asked: dict[str, Any], blobs: list[bytes], report: Report) -> Message:
    """Whether a file is a picture; its facts, and as bytes the file without metadata and a thumbnail."""
    image, capture = _decode(asked, blobs[0], THUMBNAIL * 2)
    kept = blobs[0] if asked.get("keep_metadata") else drop_metadata(blobs[0], asked.get("origin", "picture"))
    flags = quality_flags(measure_appearance(image), capture.width, capture.height)
    facts = {"width": capture.width, "height": capture.height, "format": capture.format, "flags": list(flags)}
    return facts, [kept, make_thumbnail(image, THUMBNAIL)]


def look(asked: dict[str, Any], blobs: list[bytes], report: Report) -> Message:
    """Answer for a picture; with `show`, also as layers to lay over each other."""
    learned = _opened(asked["folder"], asked["kind"])
    if isinstance(learned, LearnedInspector):
        return _inspect(learned, asked, blobs[0])
    image, capture = _decode(asked, blobs[0], round(learned.backbone.card.input_size * KEEP))
    show = bool(asked.get("show"))
    found = look_at_image(learned, image, capture, evidence=show or bool(asked.get("evidence")))
    plain = found.to_dict()
    if asked.get("keep"):
        plain["kept"] = _keep(asked, learned, blobs[0], (image, capture), found)
    if not show:
        return plain, []
    return _show_prediction(asked, learned, image, found, plain)


def _show_prediction(
    asked: dict[str, Any], learned: Learned, image: Image, found: Prediction, plain: dict[str, Any]
) -> Message:
    layers = show_prediction(learned.backbone, image, found)
    evidence = found.evidence
    raised, lowered = ([], []) if evidence is None else (evidence.raised[:SHOWN], evidence.lowered[:SHOWN])
    thumbnails = read_thumbnails(Path(asked["folder"]), [*raised, *lowered])
    plain.pop("evidence", None)
    plain["decided"] = [
        {"id": one.example_id, "name": one.name, "labels": list(one.labels), "effect": one.effect}
        for one, _ in thumbnails
    ]
    return plain, [layers.picture, layers.heat, *(jpeg or b"" for _, jpeg in thumbnails)]


def _keep(asked: dict[str, Any], learned: Learned, data: bytes, seen: tuple[Image, Capture], found: Prediction) -> str:
    folder = Path(asked["folder"])
    with Workspace.open(folder) as workspace:
        settings = workspace.settings
    bare = data if asked.get("keep_metadata") else drop_metadata(data, "picture")
    return keep_look(folder, bare, (*seen, make_code(learned.backbone.pool(seen[0]))), found, settings)


def _inspect(learned: LearnedInspector, asked: dict[str, Any], data: bytes) -> Message:
    image, capture = _decode(asked, data, patch_eye(learned.backbone).side)
    show = bool(asked.get("show"))
    found = inspect_image(learned, image, capture, nearest=show)
    plain = found.to_dict(with_map=bool(asked.get("evidence")))
    if not show:
        return plain, []
    layers, good = show_inspection(image, found), read_good(learned, found) or b""
    return {**plain, **_say(found)}, [layers.picture, layers.heat, good]


def _say(found: Inspection) -> dict[str, Any]:
    return {
        "said": say_verdict(found),
        "explained": describe_verdict(found),
        "lines": describe_inspection(found, "").splitlines()[1:],
    }


def find(asked: dict[str, Any], blobs: list[bytes], report: Report) -> Message:
    """Search a gallery by picture; with `show`, thumbnails of the hits and a sheet of why."""
    gallery: OpenGallery = _opened(asked["folder"], "gallery")
    wish = _wish(asked)
    check_wish(wish)
    query = see_query(gallery, blobs[0], wish, limits=_limits(asked))
    found = replace(search(gallery, query, wish), origin=asked.get("origin", "picture"))
    plain = _found(found)
    if not asked.get("show"):
        return plain, []
    if asked.get("why"):
        return plain, [encode_png(draw(gallery, query, found))]
    return plain, [gallery.store.thumbnail(hit.picture) for hit in (*found.hits, *found.others)]


def _found(found: Found) -> dict[str, Any]:
    """A search's answer as plain values, with numbers of pictures in place of their paths on this machine."""
    plain = found.to_dict()
    for told, hits in ((plain["hits"], found.hits), (plain["others"], found.others)):
        for one, hit in zip(told, hits, strict=True):
            one["picture"] = hit.picture
            del one["path"]
    return plain


def _wish(asked: dict[str, Any]) -> Wish:
    wish = dict(asked["wish"])
    for name in ("like", "unlike", "without"):
        wish[name] = tuple(wish.get(name) or ())
    if isinstance(wish.get("crop"), list):
        wish["crop"] = tuple(wish["crop"])
    return Wish(**wish)


def suggest(asked: dict[str, Any], blobs: list[bytes], report: Report) -> Message:
    """Recommend items for liked ones, with thumbnails."""
    gallery: OpenGallery = _opened(asked["folder"], "gallery")
    found = recommend(gallery, asked["liked"], bought=asked["bought"], k=asked["k"], where=asked.get("where"))
    thumbnails = [gallery.store.thumbnail(hit.picture) for hit in found.hits] if asked.get("show") else []
    return _found(found), thumbnails


def queue(asked: dict[str, Any], blobs: list[bytes], report: Report) -> Message:
    """Kept pictures whose labels would teach most."""
    learned = _opened(asked["folder"], "classes")
    ranked = rank_kept(Path(asked["folder"]), learned, asked["most"])
    return {
        "asked": [
            {"name": one.name, "reason": one.reason, "best": one.prediction.best, "label": one.prediction.label,
             "probability": one.prediction.probability, "could_be": list(one.prediction.could_be)}
            for one in ranked
        ]
    }, []  # fmt: skip


def describe(asked: dict[str, Any], blobs: list[bytes], report: Report) -> Message:
    """Open a recognizer ahead of the first question, and say what it is."""
    learned = _opened(asked["folder"], asked["kind"])
    if isinstance(learned, LearnedInspector):
        inspector = learned.inspector
        return {"false_alarms": inspector.false_alarms, "promised": inspector.promised, "good": inspector.n_good}, []
    if isinstance(learned, Learned):
        settings = json.loads(json.dumps(asdict(learned.readout.settings)))
        return {"classes": list(learned.readout.classes), "settings": settings, "state": learned.state}, []
    items, pictures = learned.store.count()
    return {"items": items, "pictures": pictures, "columns": learned.store.columns()}, []


TASKS: dict[str, Task] = {
    "check": check,
    "look": look,
    "find": find,
    "suggest": suggest,
    "queue": queue,
    "describe": describe,
}
