"""What was searched for and not found: queries kept only if the operator says so, and for as long as it says."""

import csv
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from foveal.core.contracts import Progress, silent
from foveal.core.errors import InputError
from foveal.core.gallery import Found, Kept, NewPicture
from foveal.core.hashing import hash_bytes
from foveal.core.image import Capture
from foveal.imaging.appearance import measure_appearance
from foveal.imaging.cluster_sheet import Cluster
from foveal.imaging.thumbnail import make_thumbnail
from foveal.store.database import DATABASE
from foveal.store.gallery.local import LocalGallery
from foveal.workflows.finding.forgetting import forget_from_gallery
from foveal.workflows.finding.gallery import QUERIES, QUERIES_KIND, THUMBNAIL, OpenGallery, open_gallery
from foveal.workflows.finding.grouping import cluster, find_limit
from foveal.workflows.finding.searching import Query, Wish

KEEP_DAYS = "keep_queries_days"  # setting; absent or 0: nothing is kept
MOST_DAYS = 3650
MOST_POPULAR = 10
MOST_CLUSTERED = 3000  # unmet queries, the newest


def keep_queries(gallery: OpenGallery, days: float) -> None:
    """Keep queries from now on, each for so many days; 0 keeps none from now on."""
    if not 0 <= days <= MOST_DAYS:
        raise InputError(f"Queries are kept for 0 to {MOST_DAYS} days, got {days:g}.")
    gallery.local.update_settings({KEEP_DAYS: days})


def keep_query(gallery: OpenGallery, query: Query, found: Found, wish: Wish, *, customer: str | None = None) -> bool:
    """Keep a search where the operator wants it kept; tells whether it was."""
    if not gallery.store.settings.get(KEEP_DAYS) or query.image is None or query.code is None:
        return False
    image, name = query.image, f"query-{secrets.token_hex(8)}"
    capture = Capture(hash_bytes(image.pixels.tobytes()), image.pixels.size, "query", image.width, image.height)
    new = NewPicture(
        item=name,
        name=name,
        path=name,
        code=query.code,
        vector=np.zeros(0, np.float32),
        capture=capture,
        appearance=measure_appearance(image),
        thumbnail=make_thumbnail(image, THUMBNAIL),
        subject=customer,
        hidden=True,
    )
    store = _open_queries(gallery)
    try:
        store.add([new], {name: _describe(found, wish)})
    finally:
        store.close()
    return True


def _describe(found: Found, wish: Wish) -> dict[str, Any]:
    """Columns of a query; what was found by its number, so that a forgotten item's name stands nowhere."""
    columns: dict[str, Any] = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "hits": len(found.hits)}
    columns["found"] = bool(found.hits)
    for hit in (*found.hits, *found.others)[:1]:
        columns |= {"best": hit.picture, "similarity": hit.similarity}
        columns |= {} if hit.probability is None else {"probability": hit.probability}
    return columns | ({"filter": wish.where} if wish.where else {})


def _open_queries(gallery: OpenGallery) -> LocalGallery:
    folder = gallery.folder / QUERIES
    if (folder / DATABASE).exists():
        return LocalGallery.open(folder)
    settings = {key: gallery.settings[key] for key in ("backbone", "backbone_id", "backbone_card", "dim", "name")}
    return LocalGallery.create(folder, {**settings, "kind": QUERIES_KIND})


@dataclass(frozen=True, eq=False)
class QueryReport:
    """What was searched for: counts, what was found most, and the clusters of what was not found."""

    n: int
    n_found: int
    days: float
    popular: tuple[tuple[str, int], ...]  # items found first, and how often
    unmet: tuple[Cluster, ...]
    expired: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "queries": self.n,
            "found": self.n_found,
            "kept_days": self.days,
            "popular": [{"item": item, "times": times} for item, times in self.popular],
            "unmet": [one.to_dict() for one in self.unmet],
            "expired": self.expired,
        }


def list_expired(gallery: OpenGallery, now: datetime | None = None) -> list[str]:
    """Names of kept queries that are older than the operator wants."""
    days = float(gallery.store.settings.get(KEEP_DAYS) or 0)
    before = ((now or datetime.now(UTC)) - timedelta(days=days)).isoformat(timespec="seconds")
    return [one.item for one in _read(gallery) if str(one.columns.get("time", "")) < before]


def report_queries(gallery: OpenGallery, *, expired: int = 0, progress: Progress = silent) -> QueryReport:
    """Count what was found, and group what was not; `expired` is how many were forgotten just now."""
    kept = _read(gallery)
    if not kept and not expired and KEEP_DAYS not in gallery.store.settings:
        raise InputError(
            f"No queries are kept for {gallery.address}. Keep them, each for 30 days: "
            f"foveal queries {gallery.address} --keep-days 30"
        )
    met = [one for one in kept if one.columns.get("found")]
    popular = Counter(name for one in met if (name := _name(gallery, one))).most_common(MOST_POPULAR)
    unmet = [one for one in kept if not one.columns.get("found")][-MOST_CLUSTERED:]
    progress("grouping", 0, 1)
    return QueryReport(
        len(kept),
        len(met),
        float(gallery.store.settings.get(KEEP_DAYS) or 0),
        tuple(popular),
        _cluster(gallery, unmet),
        expired,
    )


def review_queries(address: str | Path, *, keep_days: float | None = None, progress: Progress = silent) -> QueryReport:
    """Set how long queries are kept, where asked; forget those that are too old; and report on the rest."""
    with open_gallery(address) as gallery:
        if keep_days is not None:
            keep_queries(gallery, keep_days)
        expired = list_expired(gallery)
        if expired:
            forget_from_gallery(gallery.folder / QUERIES, expired)
        return report_queries(gallery, expired=len(expired), progress=progress)


def _read(gallery: OpenGallery) -> list[Kept]:
    if not (gallery.folder / QUERIES / DATABASE).exists():
        return []
    store = LocalGallery.open(gallery.folder / QUERIES)
    try:
        return store.all_pictures()
    finally:
        store.close()


def _cluster(gallery: OpenGallery, unmet: Sequence[Kept]) -> tuple[Cluster, ...]:
    if not unmet:
        return ()
    store = LocalGallery.open(gallery.folder / QUERIES)
    try:
        vectors = gallery.project(store.codes([one.picture for one in unmet]))
        clusters = []
        for rows, place in cluster(vectors @ vectors.T, find_limit(gallery)):
            middle = unmet[place]
            times = sorted(str(unmet[i].columns.get("time", "")) for i in rows)
            facts = {"first": times[0], "last": times[-1], "nearest": _name(gallery, middle)}
            names = tuple(unmet[i].name for i in rows)
            clusters.append(Cluster(names, middle.name, store.thumbnail(middle.picture), facts))
        return tuple(clusters)
    finally:
        store.close()


def _name(gallery: OpenGallery, query: Kept) -> str:
    """The item that was nearest; "" where it is gone or there was none."""
    shown = gallery.store.show([int(query.columns["best"])]) if "best" in query.columns else []
    return shown[0].item if shown else ""


def write_csv(report: QueryReport, path: str | Path) -> None:
    """Write the clusters of unmet queries as a table; raises OSError."""
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["queries", "representative", "first", "last", "nearest"])
        for one in report.unmet:
            facts = one.facts
            writer.writerow([one.n, one.representative, facts["first"], facts["last"], facts["nearest"]])
