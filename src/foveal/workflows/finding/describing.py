"""What finding says to people."""

from pathlib import Path
from typing import Any

from foveal.core.gallery import Found, Hit
from foveal.core.prediction import FLAGS
from foveal.imaging.match_sheet import say_found, say_share
from foveal.recognizers.metric import PLAIN, TAUGHT, WHITENED
from foveal.workflows.finding.indexing import Indexed
from foveal.workflows.finding.model import GalleryModel

METRICS = {
    PLAIN: "codes compared as they are",
    WHITENED: "codes compared on their principal axes, what all pictures share quieted",
    TAUGHT: "a metric taught by the catalogue's own items",
}


def describe_indexed(indexed: Indexed, address: str | Path) -> dict[str, Any]:
    """Lines for people under "lines", and plain values."""
    lines = [
        f"{indexed.n_items} items with {indexed.n_pictures} pictures in {address}: {indexed.n_new} new, "
        f"{indexed.n_known} known{f', {indexed.n_removed} removed' if indexed.n_removed else ''}.",
        *describe_model(indexed.model),
    ]
    if indexed.unreadable:
        lines.append(f"{len(indexed.unreadable)} files cannot be read and were passed over:")
        lines += [f"  {name}: {reason}" for name, reason in indexed.unreadable[:5]]
    if indexed.skipped:
        lines.append(
            f"{len(indexed.skipped)} entries were passed over, such as {indexed.skipped[0][0]}: {indexed.skipped[0][1]}."
        )
    seconds = indexed.seconds
    lines.append(f"{seconds['total']:.1f} s: {seconds['seeing']:.1f} seeing, {seconds['learning']:.1f} learning.")
    return {
        "lines": lines,
        "items": indexed.n_items,
        "pictures": indexed.n_pictures,
        "new": indexed.n_new,
        "known": indexed.n_known,
        "removed": indexed.n_removed,
        "learned": indexed.learned,
        "model": model_to_dict(indexed.model),
        "unreadable": [list(row) for row in indexed.unreadable],
        "skipped": [list(row) for row in indexed.skipped],
        "seconds": seconds,
    }


def describe_model(model: GalleryModel) -> list[str]:
    """What the gallery learned, in a few lines."""
    score = {one.name.partition(" ")[0]: 0.0 for one in model.tried}
    for one in model.tried:
        name = one.name.partition(" ")[0]
        score[name] = max(score[name], one.mean_average_precision)
    tried = ", ".join(f"{name} {value:.3f}" for name, value in score.items())
    lines = [
        f"It uses {METRICS[model.metric.kind]}{f' (mean average precision on left-out items: {tried})' if tried else ''}."
    ]
    if model.same_item is None:
        lines.append("Too few items have several pictures to say how probable it is that a hit is the same item.")
    else:
        same = model.same_item
        lines.append(
            f"Of {same.n} pictures searched for as if they were new, {same.found:.0%} find their item with a "
            f"probability of one half or more; of things that are not there, {same.false:.1%} find something."
        )
    return lines


def model_to_dict(model: GalleryModel) -> dict[str, Any]:
    """Plain values for JSON."""
    return {
        "metric": model.metric.kind,
        "tried": {one.name: one.mean_average_precision for one in model.tried},
        "found": None if model.same_item is None else model.same_item.found,
        "false": None if model.same_item is None else model.same_item.false,
    }


def describe_found(found: Found, most: int = 10) -> str:
    """A search in lines: the best hits, why there are none, and what to take care of."""
    lines = [f"{found.origin}: {say_found(found)}"]
    lines += [f"  {_describe_hit(place, hit)}" for place, hit in enumerate(found.hits[:most], start=1)]
    if len(found.hits) > most:
        lines.append(f"  and {len(found.hits) - most} more")
    if found.reason:
        lines.append(f"  note: {found.reason}")
    if found.others and found.cut_off is not None:
        names = ", ".join(hit.item for hit in found.others[:3])
        lines.append(f"  less than {found.cut_off:.0%} probable: {names}{', ...' if len(found.others) > 3 else ''}")
    if found.flags:
        lines.append(f"  take care: {'; '.join(FLAGS.get(flag, flag) for flag in found.flags)}")
    return "\n".join(lines)


def _describe_hit(place: int, hit: Hit) -> str:
    sure = "" if hit.probability is None else f", same item {say_share(hit.probability)}"
    columns = ", ".join(f"{name} {value}" for name, value in list(hit.columns.items())[:4])
    return f"{place}. {hit.item} (similarity {hit.similarity:.3f}{sure}){f' {columns}' if columns else ''} [{hit.name}]"
