"""Groups of pictures that show the same: near copies in a catalogue, distinct items on photos of shelves."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foveal.audits.copies import group_copies
from foveal.backbones.catalog import open_backbone
from foveal.core.contracts import Code, Float32s, Progress, silent
from foveal.core.errors import InputError
from foveal.imaging.cluster_sheet import Cluster
from foveal.memory.codes import to_unit
from foveal.recognizers.metric import find_principal, make_plain, make_whitened
from foveal.recognizers.relevance import link_on_average
from foveal.workflows.finding.gallery import OpenGallery, holds_gallery, open_gallery
from foveal.workflows.finding.learning import to_table
from foveal.workflows.finding.searching import gather
from foveal.workflows.seeing import Seen, Unreadable, class_eye, see_all
from foveal.workflows.sources.listing import list_examples

MOST = 5000  # pictures compared with each other
# Similarities from which on two pictures count as one thing where no gallery tells: measured on photos of groceries.
UNTOLD = 0.5
FEWEST = 3  # pictures that have something in common to be taken out


@dataclass(frozen=True, eq=False)
class Grouped:
    """Clusters, the largest first, and files that could not be read."""

    n_pictures: int
    clusters: tuple[Cluster, ...]
    unreadable: tuple[tuple[str, str], ...]
    limit: float | None  # similarity from which on pictures count as one thing; None for near copies

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "pictures": self.n_pictures,
            "groups": len(self.clusters),
            "limit": self.limit,
            "clusters": [cluster.to_dict() for cluster in self.clusters],
            "unreadable": [list(row) for row in self.unreadable],
        }


def group(
    source: str | Path, gallery: str | Path | None = None, *, limit: float | None = None, progress: Progress = silent
) -> Grouped:
    """Near copies where `source` is a gallery, otherwise the distinct items on its photos."""
    if holds_gallery(source):
        with open_gallery(source) as opened:
            return find_near_copies(opened, progress)
    if gallery is None:
        return count_items(source, limit=limit, progress=progress)
    with open_gallery(gallery) as opened:
        return count_items(source, opened, limit=limit, progress=progress)


def find_limit(gallery: OpenGallery) -> float:
    """The mean similarity from which on groups of pictures count as one item."""
    return UNTOLD if gallery.model.group_limit is None else gallery.model.group_limit


def count_items(
    source: str | Path, gallery: OpenGallery | None = None, *, limit: float | None = None, progress: Progress = silent
) -> Grouped:
    """How many distinct things a batch of photos shows, each photo one of them.

    With a gallery what it learned of its own items decides, and every cluster is named by the item
    found for it. Raises InputError for more than MOST pictures, or none.
    """
    listing = list_examples(source)
    if len(listing.examples) > MOST:
        raise InputError(
            f"{source} holds {len(listing.examples)} pictures; at most {MOST} are compared at once. Split it."
        )
    eye = class_eye(open_backbone()) if gallery is None else gallery.eye()
    results = list(see_all(listing.examples, eye, n_examples=len(listing.examples), progress=progress))
    seen = [one for one in results if isinstance(one, Seen)]
    unreadable = tuple((one.example.name, one.reason) for one in results if isinstance(one, Unreadable))
    if not seen:
        raise InputError(f"No picture of {source} can be read: {unreadable[0][1]}")
    codes = np.stack([one.code for one in seen])
    vectors = _project_alone(codes) if gallery is None else gallery.project(codes)
    similar = vectors @ vectors.T
    used = limit if limit is not None else UNTOLD if gallery is None else find_limit(gallery)
    clusters = []
    for rows, middle in cluster(similar, used):
        facts = {} if gallery is None else _name(gallery, vectors[middle])
        names = tuple(seen[i].example.name for i in rows)
        clusters.append(Cluster(names, seen[middle].example.name, seen[middle].thumbnail, facts))
    return Grouped(len(seen), tuple(clusters), unreadable, used)


def cluster(similar: Float32s, limit: float) -> list[tuple[list[int], int]]:
    """Rows of each group, the largest first, and the one most like all others of it, from similarities (n, n)."""
    groups = link_on_average(similar.astype(np.float64), limit)
    found = []
    for number in range(int(groups.max(initial=-1)) + 1):
        rows = np.flatnonzero(groups == number)
        middle = rows[similar[np.ix_(rows, rows)].sum(axis=1).argmax()]
        found.append(([int(row) for row in rows], int(middle)))
    return found


def _project_alone(codes: Code) -> Float32s:
    """Vectors by the metric that the pictures themselves give: what all of them share is taken out."""
    if len(codes) < FEWEST:
        return make_plain(codes.shape[1]).project(codes)
    return make_whitened(find_principal(to_unit(codes))).project(codes)


def _name(gallery: OpenGallery, vector: Float32s) -> dict[str, str]:
    hits = gather(gallery, vector[None], 1)
    if not hits:
        return {}
    same_item = gallery.model.same_item
    sure = "" if same_item is None else f" ({same_item.probability(hits[0].similarity):.0%})"
    return {"item": hits[0].item + sure}


def find_near_copies(gallery: OpenGallery, progress: Progress = silent) -> Grouped:
    """Pictures of the catalogue that are copies or near copies of each other, in clusters."""
    kept = [one for one in gallery.store.all_pictures() if not one.hidden]
    pictures = to_table(gallery.store, kept)
    progress("comparing", 0, 1)
    clusters = []
    for rows in group_copies(pictures, gallery.store.thumbnail):
        first = kept[rows[0]]
        items = sorted({kept[i].item for i in rows})
        facts = {"items": ", ".join(items[:3]) + (f" and {len(items) - 3} more" if len(items) > 3 else "")}
        names = tuple(kept[i].name for i in rows)
        clusters.append(Cluster(names, first.name, gallery.store.thumbnail(first.picture), facts))
    return Grouped(len(kept), tuple(sorted(clusters, key=lambda one: -one.n)), (), None)
