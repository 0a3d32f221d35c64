"""One search over a gallery: exact where that is quick, approximate where there are many, filtered either way.

Filters and deleted pictures are left out while candidates are gathered, not afterwards: where k items pass,
k are returned.
"""

from dataclasses import dataclass

import numpy as np

from foveal.core.contracts import Float32s
from foveal.core.gallery import Ids, Matches
from foveal.store.gallery.approximate import EXPANSION_SEARCH, Approximate
from foveal.store.gallery.vectors import (
    NONE,
    Candidates,
    Mask,
    merge_items,
    pack,
    rank_exactly,
)

EXACT_BELOW = 50_000  # vectors; more are searched approximately
# Exactly where the square of the vectors allowed is at most this times candidates times vectors: measured.
EXACT_SHARE = 12.0
SPARE = 6.0  # times as many candidates as are expected to pass: the deeper, the less exact the graph is
ALONE = 32  # queries at once from which on both cores share the work


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What a search reads: the mapped vectors and those added since, and which pictures may be found."""

    main: Approximate | None
    main_alive: Mask | None  # (n,), None where all are
    tail_ids: Ids
    tail_items: Ids
    tail_vectors: Float32s  # (m, dim)
    tail_alive: Mask | None
    per_item: float  # pictures of an item, on average, rounded up


@dataclass(frozen=True, eq=False)
class Selection:
    """Which of the mapped vectors, and of those added since, pass a filter."""

    main: Mask
    tail: Mask


def search(
    snapshot: Snapshot, queries: Float32s, k: int, chosen: Selection | None, without: Ids, threads: int
) -> Matches:
    """Best k items for queries float32 (q, dim) among those `chosen`, None for all; `without` are picture ids."""
    masks = _masks(snapshot, chosen, without)
    most = int(k * snapshot.per_item)
    rows = _rank_items(snapshot, queries, k, most, masks, threads)
    if snapshot.per_item > 1:
        n_allowed = _count(snapshot, masks)
        while most < n_allowed and (short := [row for row, found in enumerate(rows) if len(found[0]) < k]):
            most *= 8  # one item has many pictures among the best
            for row, found in zip(short, _rank_items(snapshot, queries[short], k, most, masks, threads), strict=True):
                rows[row] = found
    return pack(rows, k)


def _rank_items(
    snapshot: Snapshot, queries: Float32s, k: int, most: int, masks: tuple[Mask | None, Mask | None], threads: int
) -> list[tuple[Ids, Float32s]]:
    """Picture ids and similarities of at most k items a query, found among its `most` best pictures."""
    main = snapshot.main
    near: list[Candidates] | None = None
    if main is not None:
        near = _rank_main(main, queries, most, masks[0], threads if len(queries) >= ALONE else 1)
        if snapshot.per_item == 1 and not len(snapshot.tail_ids):
            return [_sorted(found, main.ids, k) for found in near]
    allowed = None if masks[1] is None else np.flatnonzero(masks[1])
    tail = rank_exactly(snapshot.tail_vectors, queries, most, allowed) if len(snapshot.tail_ids) else None
    rows = []
    for place in range(len(queries)):
        found = _Found()
        if near is not None and main is not None:
            found.add(near[place], main.ids, main.items)
        if tail is not None:
            found.add(tail[place], snapshot.tail_ids, snapshot.tail_items)
        rows.append(found.merge(k))
    return rows


def _count(snapshot: Snapshot, masks: tuple[Mask | None, Mask | None]) -> int:
    sizes = (snapshot.main.manifest.n if snapshot.main else 0, len(snapshot.tail_ids))
    return sum(n if mask is None else int(np.count_nonzero(mask)) for n, mask in zip(sizes, masks, strict=True))


class _Found:
    """Candidates of both parts, as picture ids and items."""

    def __init__(self) -> None:
        self._parts: list[tuple[Ids, Ids, Float32s]] = []

    def add(self, found: Candidates, ids: Ids, items: Ids) -> None:
        self._parts.append((ids[found.positions], items[found.positions], found.similarities))

    def merge(self, k: int) -> tuple[Ids, Float32s]:
        if not self._parts:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        ids, items, similarities = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        by_id = np.argsort(ids, kind="stable")
        found = Candidates(np.arange(len(ids)), similarities[by_id])
        return merge_items(found, items[by_id], ids[by_id], k)


def select(snapshot: Snapshot, items: Mask) -> Selection:
    """From which items pass (by number) to which vectors do."""
    main = snapshot.main.items if snapshot.main else _NO_IDS
    return Selection(items[main], items[snapshot.tail_items])


def _masks(snapshot: Snapshot, chosen: Selection | None, without: Ids) -> tuple[Mask | None, Mask | None]:
    """Which positions of the two parts may be found; None where all may."""
    main = snapshot.main.ids if snapshot.main else _NO_IDS
    return (
        _mask(main, snapshot.main_alive, None if chosen is None else chosen.main, without),
        _mask(snapshot.tail_ids, snapshot.tail_alive, None if chosen is None else chosen.tail, without),
    )


def _mask(ids: Ids, alive: Mask | None, chosen: Mask | None, without: Ids) -> Mask | None:
    mask = chosen if alive is None else alive if chosen is None else alive & chosen
    if not len(without):
        return mask
    mask = np.ones(len(ids), np.bool_) if mask is None else mask.copy()
    places = np.searchsorted(ids, without)
    inside = places < len(ids)
    mask[places[inside][ids[places[inside]] == without[inside]]] = False
    return mask


_NO_IDS = np.empty(0, np.int64)


def _rank_main(main: Approximate, queries: Float32s, most: int, mask: Mask | None, threads: int) -> list[Candidates]:
    n_allowed = main.manifest.n if mask is None else int(np.count_nonzero(mask))
    if n_allowed == 0:
        return [Candidates(_NO_IDS, np.empty(0, np.float32))] * len(queries)
    few = n_allowed**2 <= EXACT_SHARE * most * main.manifest.n
    if few or n_allowed <= most:
        allowed = None if mask is None else np.flatnonzero(mask)
        return rank_exactly(main.vectors, queries, most, allowed)
    share = n_allowed / main.manifest.n
    fetch = most if mask is None else EXPANSION_SEARCH + int(np.ceil(SPARE * most / share))
    return _fetch(main, queries, most, mask, fetch, threads)


def _fetch(
    main: Approximate, queries: Float32s, most: int, mask: Mask | None, fetch: int, threads: int
) -> list[Candidates]:
    """Ask the graph for `fetch` candidates a query; for queries too few of which pass, for more."""
    positions, similarities = main.rank(queries, fetch, threads)
    passing = positions != NONE
    if mask is not None:
        passing &= mask[positions]
    first = np.argsort(~passing, axis=1, kind="stable")[:, :most]  # they come best first
    positions, similarities, passing = (np.take_along_axis(x, first, 1) for x in (positions, similarities, passing))
    found = [Candidates(p[ok], s[ok]) for p, s, ok in zip(positions, similarities, passing, strict=True)]
    short = [] if mask is None else [row for row, one in enumerate(found) if len(one.positions) < most]
    if short and mask is not None:
        if 8 * fetch > main.manifest.n:
            more = rank_exactly(main.vectors, queries[short], most, np.flatnonzero(mask))
        else:
            more = _fetch(main, queries[short], most, mask, 4 * fetch, threads)
        for row, one in zip(short, more, strict=True):
            found[row] = one
    return found


def _sorted(found: Candidates, ids: Ids, k: int) -> tuple[Ids, Float32s]:
    order = np.lexsort((found.positions, -found.similarities))[:k]
    return ids[found.positions[order]], found.similarities[order]
