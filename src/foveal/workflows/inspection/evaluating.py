"""How good an inspector is: on defects held out or given, and on good pictures left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foveal.core.contracts import Code, Progress, silent
from foveal.core.errors import InputError
from foveal.core.example import Example
from foveal.core.inspection import GOOD, Inspection
from foveal.metrics.intervals import Interval, binomial_range, wilson_interval
from foveal.metrics.localization import measure_aupro, measure_pixel_auroc
from foveal.metrics.ranking import average_precision, measure_auroc
from foveal.recognizers.regions import enlarge_map
from foveal.store.workspace import Workspace
from foveal.workflows.inspection.keeping import open_part
from foveal.workflows.inspection.learned import LearnedInspector
from foveal.workflows.inspection.looking import inspect_code
from foveal.workflows.inspection.masks import find_mask, read_mask
from foveal.workflows.inspection.teaching import mark_good
from foveal.workflows.seeing import Seen, patch_eye, see_all
from foveal.workflows.sources.listing import list_examples

FINE = 4  # points a position's side is divided into when maps are held against masks
RATES = (0.01, 0.05)  # promised false alarms that are held against the measured


@dataclass(frozen=True, eq=False)
class Judged:
    """One picture with its truth, its verdict and a thumbnail to show."""

    name: str
    path: str
    kind: str  # "good", or the kind of defect
    inspection: Inspection
    thumbnail: bytes


@dataclass(frozen=True)
class KindRow:
    """One kind of defect: how many pictures and how many are found."""

    kind: str
    n: int
    found: float
    interval: Interval
    auroc: float | None


@dataclass(frozen=True)
class RateRow:
    """A promised rate of false alarms and the measured one, with the range that holds 95 % of such measurements."""

    promised: float
    measured: float
    n: int
    expected_range: Interval
    found: float | None

    @property
    def is_kept(self) -> bool:
        """Whether no more false alarms were raised than the promise allows by chance."""
        return self.measured <= self.expected_range[1]


@dataclass(frozen=True, eq=False)
class EvaluatedPart:
    """Figures on pictures that were not taught; those that need what is missing are None."""

    learned: LearnedInspector
    judged: tuple[Judged, ...]
    auroc: float | None
    auprc: float | None
    pixel_auroc: float | None
    aupro: float | None
    n_masks: int
    rates: tuple[RateRow, ...]
    kinds: tuple[KindRow, ...]
    named: tuple[int, int, int]  # found defects of taught kinds: how many, named at all, named rightly
    unreadable: tuple[tuple[str, str], ...]

    @property
    def misses(self) -> tuple[Judged, ...]:
        """Defective pictures that pass, the least suspicious first."""
        found = [one for one in self.judged if one.kind != GOOD and one.inspection.is_good]
        return tuple(sorted(found, key=lambda one: one.inspection.score))

    @property
    def false_alarms(self) -> tuple[Judged, ...]:
        """Good pictures that do not pass, the most suspicious first."""
        found = [one for one in self.judged if one.kind == GOOD and not one.inspection.is_good]
        return tuple(sorted(found, key=lambda one: -one.inspection.score))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "n": len(self.judged),
            "image_auroc": self.auroc,
            "image_auprc": self.auprc,
            "pixel_auroc": self.pixel_auroc,
            "aupro": self.aupro,
            "masks": self.n_masks,
            "false_alarms": [
                {
                    "promised": row.promised,
                    "measured": row.measured,
                    "n": row.n,
                    "expected_range": list(row.expected_range),
                    "kept": row.is_kept,
                    "found": row.found,
                }
                for row in self.rates
            ],
            "kinds": [
                {"kind": row.kind, "n": row.n, "found": row.found, "interval": list(row.interval), "auroc": row.auroc}
                for row in self.kinds
            ],
            "named": dict(zip(("found", "named", "rightly"), self.named, strict=True)),
            "misses": [one.name for one in self.misses],
            "raised_on_good": [one.name for one in self.false_alarms],
            "unreadable": [{"name": name, "reason": reason} for name, reason in self.unreadable],
        }


def evaluate_part(
    folder: str | Path,
    source: str | Path | None = None,
    *,
    masks: str | Path | None = None,
    progress: Progress = silent,
) -> EvaluatedPart:
    """Measure on a source of good and defective pictures, or on those held out in the workspace.

    In a source, folders called good (or ok, normal) hold good pictures, all others defects of the kind
    they are named after. Raises InputError where there is nothing to measure on.
    """
    learned = open_part(Path(folder), progress)
    unreadable: tuple[tuple[str, str], ...] = ()
    if source is None:
        judged = _judge_held_out(learned, Path(folder))
        if not judged:
            raise InputError(
                f"{folder} holds out no pictures to measure with. Give a folder with a folder good and one per defect."
            )
    else:
        judged, unreadable = _judge_source(learned, source, progress)
    scores = np.array([one.inspection.score for one in judged])
    defective = np.array([one.kind != GOOD for one in judged])
    both = bool(defective.any() and not defective.all())
    pixel_auroc, aupro, n_masks = _localize(judged, None if masks is None else Path(masks))
    return EvaluatedPart(
        learned=learned,
        judged=tuple(judged),
        auroc=measure_auroc(scores, defective) if both else None,
        auprc=average_precision(scores, defective) if both else None,
        pixel_auroc=pixel_auroc,
        aupro=aupro,
        n_masks=n_masks,
        rates=_measure_rates(learned, judged),
        kinds=_measure_kinds(judged),
        named=_count_named(learned, judged),
        unreadable=unreadable,
    )


def _judge_held_out(learned: LearnedInspector, folder: Path) -> list[Judged]:
    with Workspace.open(folder) as workspace:
        rows = {row.id: row for row in workspace.rows({"test"})}
        captures = {m.id: m.capture for m in workspace.measures() if m.id in rows}
        judged = []
        for ids, codes in workspace.code_blocks(list(rows), rows=32):
            for number, code in zip(ids.tolist(), codes, strict=True):
                row, capture = rows[number], captures[number]
                found = _inspect(learned, code, (capture.width, capture.height), row.path)
                kind = row.labels[0] if row.labels else GOOD
                judged.append(Judged(row.name, row.path, kind, found, workspace.thumbnail(number)))
    return judged


def _judge_source(
    learned: LearnedInspector, source: str | Path, progress: Progress
) -> tuple[list[Judged], tuple[tuple[str, str], ...]]:
    examples = [e for e in _mark(list_examples(source).examples) if e.split != "train"]
    judged, unreadable = [], []
    for one in see_all(examples, patch_eye(learned.backbone), n_examples=len(examples), progress=progress):
        if not isinstance(one, Seen):
            unreadable.append((one.example.name, one.reason))
            continue
        found = _inspect(learned, one.code, (one.capture.width, one.capture.height), one.example.path)
        judged.append(Judged(one.example.name, one.example.path, one.example.labels[0], found, one.thumbnail))
    if not judged:
        raise InputError(f"None of the {len(examples)} pictures of {source} can be read.")
    return judged, tuple(unreadable)


def _mark(examples: Sequence[Example]) -> list[Example]:
    marked = mark_good(examples)
    if all(example.labels == (GOOD,) for example in marked) and len({e.labels for e in examples}) > 1:
        raise InputError("No folder is called good: name the one of good pictures so, and others after their defects.")
    return marked


def _inspect(learned: LearnedInspector, code: Code, size: tuple[int, int], path: str) -> Inspection:
    return inspect_code(learned, code, size, origin=path)


def _measure_rates(learned: LearnedInspector, judged: Sequence[Judged]) -> tuple[RateRow, ...]:
    """Promised and measured, at the usual rates and at the one asked for, as far as enough good pictures were taught."""
    good = np.array([one.inspection.p_value for one in judged if one.kind == GOOD])
    bad = np.array([one.inspection.p_value for one in judged if one.kind != GOOD])
    inspector = learned.inspector
    promised = sorted({rate for rate in (*RATES, inspector.promised) if rate * (inspector.n_good + 1) >= 1.0 - 1e-9})
    return tuple(
        RateRow(
            rate,
            float((good <= rate).mean()),
            len(good),
            binomial_range(rate, len(good)),
            float((bad <= rate).mean()) if len(bad) else None,
        )
        for rate in promised
        if len(good)
    )


def _measure_kinds(judged: Sequence[Judged]) -> tuple[KindRow, ...]:
    good = [one.inspection.score for one in judged if one.kind == GOOD]
    rows = []
    for kind in sorted({one.kind for one in judged} - {GOOD}):
        mine = [one.inspection for one in judged if one.kind == kind]
        n_found = sum(not one.is_good for one in mine)
        scores = np.array([*good, *(one.score for one in mine)])
        auroc = measure_auroc(scores, np.arange(len(scores)) >= len(good)) if good else None
        rows.append(KindRow(kind, len(mine), n_found / len(mine), wilson_interval(n_found, len(mine)), auroc))
    return tuple(rows)


def _count_named(learned: LearnedInspector, judged: Sequence[Judged]) -> tuple[int, int, int]:
    """Found defects of the kinds that were taught, those named at all, and those named rightly."""
    if learned.kinds is None:
        return 0, 0, 0
    found = [one for one in judged if one.kind in learned.kinds.classes and not one.inspection.is_good]
    named = [one for one in found if one.inspection.kind]
    return len(found), len(named), sum(one.kind == one.inspection.kind for one in named)


def _localize(judged: Sequence[Judged], masks: Path | None) -> tuple[float | None, float | None, int]:
    """Pixel AUROC and AUPRO over good pictures and those defective ones that have a mask."""
    maps, regions, n_masks = [], [], 0
    for one in judged:
        fine = enlarge_map(one.inspection.anomaly_map, FINE)
        path = None if one.kind == GOOD else find_mask(Path(one.path), masks)
        if one.kind == GOOD:
            region = np.zeros(fine.shape, np.int64)
        elif path is not None:
            region = read_mask(path, *fine.shape)
            n_masks += bool(region.any())
        else:
            continue
        if one.kind != GOOD and not region.any():
            continue  # a mask that marks nothing says nothing
        maps.append(fine)
        regions.append(region)
    if not n_masks:
        return None, None, 0
    return measure_pixel_auroc(maps, regions), measure_aupro(maps, regions), n_masks
