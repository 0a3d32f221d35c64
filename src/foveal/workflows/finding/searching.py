"""Searching a gallery by picture, by words, or by pictures in it, and learning from what is liked and not."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from foveal.core.contracts import Code, Float32s
from foveal.core.errors import InputError
from foveal.core.gallery import Found, Hit, Matches, Shown, refuse_unknown
from foveal.core.image import Image
from foveal.core.where import Where, parse_where
from foveal.imaging.appearance import measure_appearance, quality_flags
from foveal.imaging.file_checks import LIMITS, Limits
from foveal.imaging.to_image import to_image
from foveal.memory.codes import make_code
from foveal.recognizers.relevance import revise_query
from foveal.recognizers.salience import find_salient
from foveal.workflows.finding.gallery import OpenGallery

MOST_HITS = 10_000
HALF = 0.5
AUTO = "auto"
MOST_TOLD = 20  # pictures of one liked or disliked item that are listened to
AS_SHOWN = "Name items as find shows them."
UNCALIBRATED = "too few items of the gallery have several pictures to say how probable it is that they are the same"
REVISED = "the search was changed by what was liked, so similarity promises no probability"
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Wish:
    """What is wanted of a search.

    `crop` is a box (left, top, right, bottom) in pixels of the upright picture, or AUTO for what stands out.
    `mirror` also searches for the mirrored picture. `like` and `unlike` are items. Hits less probable than
    `cut_off` are shown apart; None cuts nothing off.
    """

    k: int = 10
    where: str | None = None
    crop: Box | str | None = None
    mirror: bool = False
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    cut_off: float | None = HALF


@dataclass(frozen=True, eq=False)
class Query:
    """A picture as it was searched for: what was cropped, its code, and the vectors searched with (v, k)."""

    origin: str
    vectors: Float32s
    image: Image | None = None
    code: Code | None = None
    flags: tuple[str, ...] = ()
    box: Box | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)


def find(gallery: OpenGallery, thing: Any, wish: Wish | None = None) -> Found:
    """Search by a path, bytes, a Pillow image or an array.

    Raises DecodeError when it is not a readable image, InputError for an empty gallery or a wrong filter.
    """
    wish = wish or Wish()
    check_wish(wish)
    return search(gallery, see_query(gallery, thing, wish), wish)


def find_by_text(gallery: OpenGallery, words: str, wish: Wish | None = None) -> Found:
    """Search by words; raises InputError where the gallery has no text-image pair."""
    wish = wish or Wish()
    check_wish(wish)
    if gallery.pair is None:
        raise InputError(
            "This gallery cannot be searched by words: it was indexed without a text-image pair. "
            "Index anew with --text PAIR.pair.json."
        )
    vectors = gallery.project(make_code(gallery.pair.embed_text(words))[None])
    return search(gallery, Query(f"{words!r}", vectors, notes=("searched by words",)), wish)


def check_wish(wish: Wish) -> None:
    """Raise InputError where the wish cannot be met."""
    if not 1 <= wish.k <= MOST_HITS:
        raise InputError(f"The number of hits must be from 1 to {MOST_HITS}, got {wish.k}.")
    if wish.cut_off is not None and not 0.0 < wish.cut_off < 1.0:
        raise InputError(f"The cut-off is a probability between 0 and 1, got {wish.cut_off}.")


def see_query(gallery: OpenGallery, thing: Any, wish: Wish, *, limits: Limits = LIMITS) -> Query:
    """Read, crop and embed the picture that is searched for."""
    image, capture = to_image(thing, at_least=gallery.side if wish.crop is None else None, limits=limits)
    flags = quality_flags(measure_appearance(image), capture.width, capture.height)
    box = _choose_box(gallery, image, wish.crop)
    if box is not None:
        left, top, right, bottom = box
        image = Image(np.ascontiguousarray(image.pixels[top:bottom, left:right]), image.origin)
    codes = [gallery.embed(image)]
    if wish.mirror:
        codes.append(gallery.embed(Image(np.ascontiguousarray(image.pixels[:, ::-1]), image.origin)))
    return Query(image.origin, gallery.project(np.stack(codes)), image, codes[0], flags, box)


def _choose_box(gallery: OpenGallery, image: Image, crop: Box | str | None) -> Box | None:
    if crop is None:
        return None
    if crop == AUTO:
        return _salient_box(gallery, image)
    if isinstance(crop, str) or len(crop) != 4:
        raise InputError(f"A crop is left, top, right and bottom in pixels, or {AUTO}, got {crop!r}.")
    left, top, right, bottom = crop
    if not (0 <= left < right <= image.width and 0 <= top < bottom <= image.height):
        raise InputError(
            f"The crop {crop} must lie inside the upright picture, {image.width} x {image.height} pixels, "
            "as left, top, right, bottom."
        )
    return crop


def _salient_box(gallery: OpenGallery, image: Image) -> Box:
    """The box of what stands out, in pixels of the image."""
    if gallery.backbone is None:
        raise InputError("A text-image pair shows no regions, so nothing can be cropped by itself. Give a box.")
    seen = gallery.backbone.crop(image)
    left, top, right, bottom = find_salient(gallery.backbone.feature_maps(image))
    x, y = (image.width - seen.width) / 2, (image.height - seen.height) / 2
    edges = (x + left * seen.width, y + top * seen.height, x + right * seen.width, y + bottom * seen.height)
    first, second, third, fourth = (round(edge) for edge in edges)
    return first, second, max(third, first + 1), max(fourth, second + 1)


def search(gallery: OpenGallery, query: Query, wish: Wish) -> Found:
    """Find the items for a query that was seen."""
    where = None if wish.where is None else parse_where(wish.where)
    liked, disliked = (_told(gallery, items) for items in (wish.like, wish.unlike))
    vectors, notes = query.vectors, list(query.notes)
    if len(liked[1]) or len(disliked[1]):
        vectors = np.stack([revise_query(vector, liked[1], disliked[1]) for vector in vectors])
        notes.append(REVISED)
    hidden = [*disliked[0], *_pictures_of(gallery, wish.without)]
    hits = gather(gallery, vectors, wish.k, where, hidden)
    if not hits and not gallery.store.count()[1]:
        raise InputError(
            f"The gallery {gallery.address} is empty. Add pictures to it: foveal index CATALOGUE --into GALLERY."
        )
    same_item = gallery.model.same_item
    if same_item is None and query.image is not None:
        notes.append(UNCALIBRATED)
    if same_item is not None and not notes:
        hits = [replace(hit, probability=same_item.probability(hit.similarity)) for hit in hits]
    near = [hit for hit in hits if _counts(hit, wish.cut_off)]
    cut_off = wish.cut_off if any(hit.probability is not None for hit in hits) else None
    if not near:
        notes.insert(0, _why_nothing(hits, wish))
    return Found(query.origin, tuple(near), tuple(hits[len(near) :]), cut_off, "; ".join(notes), query.flags, query.box)


def _counts(hit: Hit, cut_off: float | None) -> bool:
    return cut_off is None or hit.probability is None or hit.probability >= cut_off


def _why_nothing(hits: list[Hit], wish: Wish) -> str:
    if hits and hits[0].probability is not None:
        return f"nothing similar here: the nearest is the same item with a probability of {hits[0].probability:.2g}"
    return "no item passes the filter" if wish.where else "nothing is left to find"


def _told(gallery: OpenGallery, items: Sequence[str]) -> tuple[list[int], Float32s]:
    """Ids and vectors of the pictures of items that were judged."""
    if not items:
        return [], np.empty((0, gallery.model.metric.dim), np.float32)
    by_item = gallery.store.pictures_of(items)
    refuse_unknown(items, by_item, AS_SHOWN)
    heard = [number for numbers in by_item.values() for number in numbers[:MOST_TOLD]]
    every = [number for numbers in by_item.values() for number in numbers]
    return every, gallery.project(gallery.store.codes(heard))


def _pictures_of(gallery: OpenGallery, items: Sequence[str]) -> list[int]:
    return [number for numbers in gallery.store.pictures_of(items).values() for number in numbers] if items else []


def gather(
    gallery: OpenGallery, vectors: Float32s, k: int, where: Where | None = None, without: Sequence[int] = ()
) -> list[Hit]:
    """Hits for the views of one query, each item by the view and picture that match best, best first."""
    found = gallery.store.search(vectors, k, where=where, without=without)
    best: dict[str, tuple[float, Shown]] = {}
    for shown, similarity in _shown(gallery, found):
        if shown.item not in best or similarity > best[shown.item][0]:
            best[shown.item] = (similarity, shown)
    ranked = sorted(best.values(), key=lambda pair: (-pair[0], pair[1].picture))[:k]
    return [
        Hit(shown.item, shown.picture, shown.name, shown.path, similarity, None, shown.columns)
        for similarity, shown in ranked
    ]


def _shown(gallery: OpenGallery, found: Matches) -> list[tuple[Shown, float]]:
    present = found.pictures >= 0
    similarity_of: dict[int, float] = {}
    for picture, similarity in zip(found.pictures[present].tolist(), found.similarities[present].tolist(), strict=True):
        similarity_of[picture] = max(similarity, similarity_of.get(picture, -np.inf))
    return [(shown, similarity_of[shown.picture]) for shown in gallery.store.show(list(similarity_of))]
