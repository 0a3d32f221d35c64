"""A gallery learns what "similar" means, and what a similarity promises, from its own items."""

from collections import Counter

import numpy as np

from foveal.audits.pictures import Pictures as AuditedPictures
from foveal.core.contracts import Code, Progress, silent
from foveal.core.gallery import GalleryStore, Kept
from foveal.recognizers.metric import TAUGHT, make_plain
from foveal.recognizers.metric_choice import MOST_CODES, Choice, Pictures, choose_metric
from foveal.recognizers.same_item import LEAST, fit_same_item
from foveal.recognizers.statistics import Ints
from foveal.recognizers.taught import CodesInMemory
from foveal.workflows.finding.catalogue import CATEGORY
from foveal.workflows.finding.gallery import OpenGallery
from foveal.workflows.finding.model import GalleryModel
from foveal.workflows.pictures import find_groups

GROWN = 2.0  # times as many pictures as were learned from: time to learn again
SHUFFLE = 0x9E3779B97F4A7C15  # spreads ids evenly, so that the first few by it are a fair sample


def learn(
    gallery: OpenGallery, progress: Progress = silent, *, by: str | None = None, up_to: int | None = None
) -> GalleryModel:
    """Choose the metric and fit the probability of the same item, keep both, and return them.

    `by` names a column whose values say what is alike, by default the item, or the category where items have one
    picture each. `up_to` learns from the pictures with ids up to it, as if the others had not come yet. A gallery
    seen by a text-image pair keeps its codes as they are, so that words match them.
    """
    kept = [one for one in gallery.store.all_pictures() if up_to is None or one.picture <= up_to]
    last = max((one.picture for one in kept), default=0) if up_to is None else up_to
    sample = _sample(kept)
    if gallery.pair is not None or not sample:
        model = GalleryModel(make_plain(gallery.dim), None, (), len(kept), last)
    else:
        choice = _choose(gallery, sample, by, progress)
        same_item = fit_same_item(choice.rehearsal)
        model = GalleryModel(choice.metric, same_item, choice.tried, len(kept), last, choice.group_limit)
    gallery.keep_model(model)
    return model


def is_due(gallery: OpenGallery) -> bool:
    """Whether so many pictures came since it learned that it should learn again."""
    _, n = gallery.store.count()
    return n > 0 and n >= GROWN * gallery.model.n


def _sample(kept: list[Kept]) -> list[Kept]:
    """At most MOST_CODES pictures: hidden ones, which are there to teach, then items with several, then others."""
    if len(kept) <= MOST_CODES:
        return kept
    counts: dict[str, int] = {}
    for one in kept:
        counts[one.item] = counts.get(one.item, 0) + 1
    spread = {item: (number * SHUFFLE) % 2**64 for number, item in enumerate(sorted(counts))}
    ranked = sorted(kept, key=lambda one: (not one.hidden, counts[one.item] == 1, spread[one.item], one.picture))
    return sorted(ranked[:MOST_CODES], key=lambda one: one.picture)


def _choose(gallery: OpenGallery, sample: list[Kept], by: str | None, progress: Progress) -> Choice:
    codes = gallery.store.codes([one.picture for one in sample])
    items = tuple(one.item for one in sample)
    groups = _group(gallery.store, sample, codes)
    hidden = frozenset(row for row, one in enumerate(sample) if one.hidden)
    choice = choose_metric(Pictures(codes, items, groups, _labels(sample, by), hidden), progress)
    if by is None and choice.metric.kind != TAUGHT and any(CATEGORY in one.columns for one in sample):
        return choose_metric(Pictures(codes, items, groups, _labels(sample, CATEGORY), hidden), progress)
    return choice


def _labels(sample: list[Kept], by: str | None) -> tuple[str | None, ...] | None:
    if by is None:
        return None
    return tuple(None if (value := one.columns.get(by)) is None else str(value) for one in sample)


def to_table(store: GalleryStore, kept: list[Kept]) -> AuditedPictures:
    """Pictures of a gallery as audits read them, their items as labels."""
    measures = store.measures()
    looks = [measures[one.picture] for one in kept]
    return AuditedPictures(
        ids=np.array([one.picture for one in kept], np.int64),
        names=tuple(one.name for one in kept),
        paths=tuple(one.path for one in kept),
        labels=tuple((one.item,) for one in kept),
        splits=(None,) * len(kept),
        groups=(None,) * len(kept),
        captures=tuple(capture for capture, _ in looks),
        appearances=tuple(appearance for _, appearance in looks),
    )


def _group(store: GalleryStore, sample: list[Kept], codes: Code) -> Ints:
    """Bursts and copies among the pictures (n,), or copies alone where all pictures of an item are one burst."""
    pictures = to_table(store, sample)
    reader = CodesInMemory(pictures.ids, codes)
    groups = find_groups(pictures, reader, bursts=True)
    apart = {(one.item, int(group)) for one, group in zip(sample, groups, strict=True)}
    items = Counter(item for item, _ in apart)
    if sum(items[one.item] > 1 for one in sample) >= LEAST:
        return groups
    return find_groups(pictures, reader, bursts=False)
