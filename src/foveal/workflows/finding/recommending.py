"""What else somebody may like: similar to what was liked, varied, and not what was bought."""

from collections.abc import Sequence

import numpy as np

from foveal.core.errors import InputError
from foveal.core.gallery import Found, Hit, refuse_unknown
from foveal.core.image import Image
from foveal.core.where import parse_where
from foveal.imaging.cluster_sheet import Cluster, draw_clusters
from foveal.recognizers.relevance import choose_varied
from foveal.workflows.finding.gallery import OpenGallery
from foveal.workflows.finding.searching import AS_SHOWN, MOST_TOLD, Wish, check_wish, gather

TOLD = 3  # columns of an item shown
SPARE = 6  # candidates gathered for each one recommended
COPIES = 0.97  # similarity from which on something is the same again


def recommend(
    gallery: OpenGallery, liked: Sequence[str], *, bought: Sequence[str] = (), k: int = 10, where: str | None = None
) -> Found:
    """Recommend up to k items for one or several liked ones, leaving out those and what was bought.

    Every liked item proposes its neighbors, so that somebody who likes shoes and lamps sees both; from all
    proposals a varied few are chosen, no copy of another among them. Raises InputError for unknown items.
    """
    check_wish(Wish(k=k))
    if not liked:
        raise InputError("Recommending needs at least one liked item. Name items as find shows them.")
    known = gallery.store.pictures_of([*liked, *bought])
    refuse_unknown((*liked, *bought), known, AS_SHOWN)
    hidden = [number for numbers in known.values() for number in numbers]
    proposals: dict[str, Hit] = {}
    for item in dict.fromkeys(liked):
        vectors = gallery.project(gallery.store.codes(known[item][:MOST_TOLD]))
        for hit in gather(gallery, vectors, SPARE * k, None if where is None else parse_where(where), hidden):
            before = proposals.get(hit.item)
            if before is None or hit.similarity > before.similarity:
                proposals[hit.item] = hit
    hits = sorted(proposals.values(), key=lambda hit: (-hit.similarity, hit.picture))
    if not hits:
        return Found(", ".join(liked), (), (), None, "nothing is left to recommend")
    vectors = gallery.project(gallery.store.codes([hit.picture for hit in hits]))
    chosen = choose_varied(vectors, np.array([hit.similarity for hit in hits], np.float64), k, COPIES)
    return Found(", ".join(liked), tuple(hits[row] for row in chosen), (), None)


def draw_recommended(gallery: OpenGallery, found: Found) -> Image:
    """A sheet of what is recommended."""
    cells = [
        Cluster(
            (hit.name,),
            hit.name,
            gallery.store.thumbnail(hit.picture),
            {name: str(value) for name, value in list(hit.columns.items())[:TOLD]},
            hit.item,
        )
        for hit in found.hits
    ]
    return draw_clusters(f"Recommended for {found.origin}", cells, found.origin)
