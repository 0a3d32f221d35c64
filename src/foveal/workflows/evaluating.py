"""How good it is: on pictures held out or given, and on left-out groups."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from foveal.audits.evaluation import Answers, Evaluation, measure_evaluation, measure_tags
from foveal.audits.learning_curve import (
    ClassErrors,
    ClassGains,
    Curve,
    fit_learning_curve,
    measure_class_gains,
    what_more_buys,
)
from foveal.audits.pictures import Pictures
from foveal.core.contracts import Code, Progress, silent
from foveal.core.errors import InputError
from foveal.core.example import Example
from foveal.memory.moments import BLOCK_ROWS, Moments, sum_moments
from foveal.recognizers.classifier import Classifier, fit_classifier
from foveal.recognizers.decision import NOT, LeftOutRows, is_decided
from foveal.recognizers.oddness import tail_p_values
from foveal.recognizers.statistics import Ints
from foveal.recognizers.taught import CodesInMemory, Taught
from foveal.store.workspace import Workspace
from foveal.workflows.learned import Learned, fit_workspace
from foveal.workflows.model_file import open_source
from foveal.workflows.pictures import find_groups, group_rows
from foveal.workflows.seeing import Seen, class_eye, see_all
from foveal.workflows.sources.listing import list_examples
from foveal.workflows.teaching import to_new_example

FRACTIONS = (0.25, 0.5)  # of every class's groups; with all of them, the points of the learning curve
MORE = 20  # pictures of a class whose worth is told


@dataclass(frozen=True, eq=False)
class Case:
    """One evaluated picture, for galleries of mistakes."""

    name: str
    path: str
    truth: tuple[str, ...]
    best: str
    probability: float
    answered: bool


@dataclass(frozen=True, eq=False)
class Evaluated:
    """Figures on left-out groups, and on test pictures where there are any.

    `buys` says what MORE pictures of every class would buy: (gain, low, high) in accuracy, or None;
    `class_gains` the same of single classes, in recall, in the order of the read-out's classes.
    """

    learned: Learned
    left_out: Evaluation
    test: Evaluation | None
    cases: tuple[Case, ...]
    curve: Curve | None
    points: tuple[tuple[float, float], ...]
    buys: tuple[float, float, float] | None
    class_gains: ClassGains | None = None

    @property
    def headline(self) -> Evaluation:
        """The figures to quote: on test pictures where there are any, else on left-out groups."""
        return self.test if self.test is not None else self.left_out

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "left_out": self.left_out.to_dict(),
            "test": self.test.to_dict() if self.test is not None else None,
            "learning_curve": [list(point) for point in self.points],
            "more_pictures": {"more": MORE, "gain": self.buys[0], "low": self.buys[1], "high": self.buys[2]}
            if self.buys
            else None,
            "more_pictures_of": _plain_gains(self.learned.readout.classes, self.class_gains),
        }


@dataclass(frozen=True, eq=False)
class _Judged:
    """Truths and codes of test pictures."""

    names: tuple[str, ...]
    paths: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    groups: tuple[str, ...]
    codes: Code


def evaluate(folder: str | Path, source: str | Path | None = None, *, progress: Progress = silent) -> Evaluated:
    """Evaluate the recognizer of a workspace on a labelled source, else on its held-out pictures.

    Raises InputError when the source holds no picture of a known class.
    """
    with Workspace.open(folder) as workspace:
        backbone = open_source(workspace.settings["backbone"])
        learned = fit_workspace(workspace, backbone, progress=progress)
        bursts = bool(workspace.settings.get("bursts", True))
        judged = (
            _held_out(workspace, bursts=bursts)
            if source is None
            else _see_source(learned, source, progress, bursts=bursts)
        )
        left_out, cases = _judge_left_out(workspace, learned)
    test = None
    if judged is not None and judged.names:
        test, cases = _judge(learned, judged)
    steps = _learning_steps(learned, progress)
    points = tuple((float(s.taught.mean()), 1.0 - float(s.wrong.sum() / s.judged.sum())) for s in steps)
    curve = fit_learning_curve(points) if len(points) >= 3 else None
    buys = what_more_buys(curve, float(_class_sizes(learned).mean()), MORE) if curve is not None else None
    return Evaluated(learned, left_out, test, cases, curve, points, buys, _class_gains(learned, steps))


def _held_out(workspace: Workspace, *, bursts: bool) -> _Judged:
    rows = [row for row in workspace.rows(["test"]) if row.labels]
    codes = workspace.codes([row.id for row in rows])
    # Bursts among test pictures are not independent either, which the interval must know.
    groups = group_rows(workspace, rows, bursts=bursts).tolist() if rows else []
    return _Judged(
        tuple(row.name for row in rows),
        tuple(row.path for row in rows),
        tuple(row.labels for row in rows),
        tuple(map(str, groups)),
        codes,
    )


def _see_source(learned: Learned, source: str | Path, progress: Progress, *, bursts: bool) -> _Judged:
    listing = list_examples(source)
    examples = [example for example in listing.examples if example.labels]
    if any(example.split == "test" for example in examples):
        examples = [example for example in examples if example.split == "test"]
    seen = [s for s in see_all(examples, class_eye(learned.backbone), n_examples=len(examples), progress=progress)
            if isinstance(s, Seen)]  # fmt: skip
    known = [s for s in seen if set(s.example.labels) & set(learned.readout.classes)]
    if not known:
        raise InputError(f"{source} holds no readable picture of a class that was taught.")
    taken: list[Example] = [s.example for s in known]
    return _Judged(
        tuple(e.name for e in taken),
        tuple(e.path for e in taken),
        tuple(e.labels for e in taken),
        tuple(map(str, _group_seen(known, bursts=bursts))),
        np.array([s.code for s in known]),
    )


def _group_seen(seen: Sequence[Seen], *, bursts: bool) -> Ints:
    """Group numbers of pictures that no workspace holds, found as for taught ones."""
    ids, examples = np.arange(len(seen)), [s.example for s in seen]
    pictures = Pictures(
        ids,
        tuple(e.name for e in examples),
        tuple(e.path for e in examples),
        tuple(e.labels for e in examples),
        tuple(e.split for e in examples),
        tuple(to_new_example(s).group for s in seen),
        tuple(s.capture for s in seen),
        tuple(s.appearance for s in seen),
    )
    reader = CodesInMemory(ids, np.array([s.code for s in seen]))
    return find_groups(pictures, reader, bursts=bursts)


def _judge(learned: Learned, judged: _Judged) -> tuple[Evaluation, tuple[Case, ...]]:
    """Decide every test picture and measure."""
    readout = learned.readout
    known = [i for i, names in enumerate(judged.labels) if set(names) & set(readout.classes)]
    decisions = [readout.decide(judged.codes[i]) for i in known]
    probabilities = np.array([d.probabilities for d in decisions])
    could_be = np.array([d.could_be for d in decisions])
    answered = np.array([bool(d.answer) for d in decisions])
    truth = np.array([[label in judged.labels[i] for label in readout.classes] for i in known])
    _, groups = np.unique([judged.groups[i] for i in known], return_inverse=True)
    coverage = readout.settings.coverage
    figures = _measure(learned, truth, Answers(probabilities, could_be, answered, groups, coverage), "test pictures")
    names = [(judged.names[i], judged.paths[i], judged.labels[i]) for i in known]
    return figures, _cases(readout.classes, names, probabilities, answered)


def _judge_left_out(workspace: Workspace, learned: Learned) -> tuple[Evaluation, tuple[Case, ...]]:
    """Measure on left-out groups; each set leaves out its own picture from the conformal ranks."""
    taught, left_out, readout = learned.taught, learned.left_out, learned.readout
    if taught is None or left_out is None:
        raise InputError("Only a recognizer that was just fitted has left-out figures.")
    valid = left_out.valid
    if not valid.any():
        raise InputError(
            "No picture can be left out: every class lies inside one group. Add pictures taken at another time or place."
        )
    probabilities = left_out.probabilities[valid].astype(np.float64)
    could_be, answered = _left_out_sets(learned, left_out)
    paths = {row.id: row.path for row in workspace.rows()}
    answers = Answers(probabilities, could_be, answered, taught.groups[valid], readout.settings.coverage)
    figures = _measure(learned, left_out.truth[valid], answers, "left-out groups")
    names = [(taught.names[i], paths[int(taught.ids[i])], taught.labels[i]) for i in np.flatnonzero(valid)]
    return figures, _cases(readout.classes, names, probabilities, answered)


def _left_out_sets(learned: Learned, left_out: LeftOutRows) -> tuple[np.ndarray, np.ndarray]:
    """Sets and answers of left-out pictures; p-values against all left-out ones, itself included, are exact ranks."""
    readout, valid = learned.readout, left_out.valid
    probabilities = left_out.probabilities[valid].astype(np.float64)
    conformal = readout.conformal if isinstance(readout, Classifier) else readout.present
    alpha = 1.0 - readout.settings.coverage
    p_values = np.array([conformal.p_values(row, readout.settings.coverage) for row in probabilities])
    known = tail_p_values(readout.distances, left_out.distances[valid]) > readout.settings.odd_below
    if not isinstance(readout, Classifier):
        return p_values > alpha, known & (probabilities > 0.5).any(axis=1)
    decided = [is_decided(row, ps, readout.settings) for row, ps in zip(probabilities, p_values, strict=True)]
    return p_values > alpha, known & np.array(decided)


def _measure(learned: Learned, truth: np.ndarray, answers: Answers, how: str) -> Evaluation:
    readout = learned.readout
    if isinstance(readout, Classifier):
        return measure_evaluation(readout.classes, truth.argmax(axis=1), answers, how=how)
    return measure_tags(readout.classes, truth, answers, how=how)


def _cases(
    classes: tuple[str, ...],
    names: Sequence[tuple[str, str, tuple[str, ...]]],
    probabilities: np.ndarray,
    answered: np.ndarray,
) -> tuple[Case, ...]:
    best = probabilities.argmax(axis=1)
    return tuple(
        Case(name, path, truth, classes[int(b)], float(row[b]), bool(told))
        for (name, path, truth), b, row, told in zip(names, best, probabilities, answered, strict=True)
    )


@dataclass(frozen=True, eq=False)
class _Step:
    """Left-out pictures of each class (C,) and the errors among them, taught with a part of the groups.

    `taught` is the mean number of the class's pictures that were left when one of it was judged.
    """

    taught: np.ndarray
    judged: np.ndarray
    wrong: np.ndarray


def _learning_steps(learned: Learned, progress: Progress) -> list[_Step]:
    """Left-out errors with a part of every class's groups, and with all."""
    taught, left_out = learned.taught, learned.left_out
    if not isinstance(learned.readout, Classifier) or taught is None or left_out is None:
        return []
    steps = []
    for done, fraction in enumerate(FRACTIONS):
        progress("learning curve", done, len(FRACTIONS))
        part = _thin(taught, fraction)
        if part is None:
            continue
        readout, rows = fit_classifier(_moments_of(part, learned), part, learned.readout.settings)
        if rows.valid.mean() > 0.5 and readout.classes == learned.readout.classes:
            steps.append(_count(part, rows))
    return [*steps, _count(taught, left_out)]


def _count(taught: Taught, rows: LeftOutRows) -> _Step:
    valid, n_classes = rows.valid, rows.truth.shape[1]
    truth = rows.truth.argmax(axis=1)
    wrong = valid & (rows.probabilities.argmax(axis=1) != truth)
    mine = taught.groups * n_classes + truth
    _, place, together = np.unique(mine, return_inverse=True, return_counts=True)
    left = np.bincount(truth, minlength=n_classes)[truth] - together[place]
    judged = np.bincount(truth[valid], minlength=n_classes)
    total = np.bincount(truth[valid], left[valid].astype(float), minlength=n_classes)
    return _Step(total / np.maximum(judged, 1), judged, np.bincount(truth[wrong], minlength=n_classes))


def _class_gains(learned: Learned, steps: Sequence[_Step]) -> ClassGains | None:
    taught = learned.taught
    if len(steps) < 2 or taught is None:
        return None
    errors = ClassErrors(*(np.array([getattr(s, name) for s in steps]) for name in ("taught", "judged", "wrong")))
    alike = len(taught) / len(np.unique(taught.groups))
    return measure_class_gains(errors, _class_sizes(learned), MORE, alike=alike)


def _class_sizes(learned: Learned) -> np.ndarray:
    """Taught pictures of each class (C,)."""
    counts = Counter(names[0] for names in learned.taught.labels if names) if learned.taught is not None else Counter()
    return np.array([counts[label] for label in learned.readout.classes])


def _plain_gains(classes: Sequence[str], gains: ClassGains | None) -> dict[str, Any]:
    """What more pictures of each class would buy, without the classes of which it cannot be told."""
    if gains is None:
        return {}
    told = {label: gain for label, gain in zip(classes, gains.gains, strict=True) if gain is not None}
    return {label: {"more": gains.more, "gain": g, "low": low, "high": high} for label, (g, low, high) in told.items()}


def _thin(taught: Taught, fraction: float) -> Taught | None:
    """Every class's groups, thinned to a fraction, spread evenly in the canonical order."""
    kept = np.zeros(len(taught), bool)
    for label in {names[0] for names in taught.labels if not names[0].startswith(NOT)}:
        mine = np.array([names[0] == label for names in taught.labels])
        groups = np.unique(taught.groups[mine])
        n = max(2, round(fraction * len(groups)))
        if n > len(groups):
            return None
        kept |= mine & np.isin(taught.groups, groups[np.linspace(0, len(groups) - 1, n).astype(int)])
    places = np.flatnonzero(kept)
    return Taught(
        taught.ids[places],
        tuple(taught.names[i] for i in places),
        tuple(taught.labels[i] for i in places),
        taught.groups[places],
        taught.codes,
    )


def _moments_of(part: Taught, learned: Learned) -> Moments:
    starts = range(0, len(part), BLOCK_ROWS)
    blocks = zip(
        part.codes.blocks(part.ids, BLOCK_ROWS), (part.labels[s : s + BLOCK_ROWS] for s in starts), strict=True
    )
    return sum_moments(learned.backbone.id, learned.backbone.dim, blocks)
