"""Answers for images, with the evidence behind them."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from foveal.core.contracts import Code, Progress, silent
from foveal.core.errors import InputError
from foveal.core.image import Capture, Image
from foveal.core.prediction import Evidence, Prediction
from foveal.imaging.appearance import measure_appearance, quality_flags
from foveal.imaging.to_image import to_image
from foveal.memory.codes import make_code
from foveal.recognizers.evidence import measure_heatmap, measure_influences
from foveal.workflows.ahead import map_ahead
from foveal.workflows.learned import Learned
from foveal.workflows.seeing import KEEP, count_threads


def look_at(learned: Learned, thing: Any, *, evidence: bool = True) -> Prediction:
    """Answer for a path, bytes, a Pillow image or an array.

    Raises DecodeError when it is not a readable image.
    """
    image, capture = read_thing(learned, thing)
    return look_at_image(learned, image, capture, evidence=evidence)


def read_thing(learned: Learned, thing: Any) -> tuple[Image, Capture]:
    """Decode what was given, JPEGs no larger than the backbone needs."""
    return to_image(thing, at_least=round(learned.backbone.card.input_size * KEEP))


def look_at_many(
    learned: Learned, things: Iterable[Any], *, evidence: bool = False, progress: Progress = silent, total: int = 0
) -> Iterator[Prediction | InputError]:
    """Answer for many, in order, on every core; what cannot be read yields its error instead."""

    def answer(thing: Any) -> Prediction | InputError:
        try:
            return look_at(learned, thing, evidence=evidence)
        except InputError as problem:
            return problem

    for done, found in enumerate(map_ahead(answer, things, count_threads()), start=1):
        yield found
        progress("looking", done, total)


def look_at_image(learned: Learned, image: Image, capture: Capture, *, evidence: bool) -> Prediction:
    """Answer for a decoded image."""
    code = make_code(learned.backbone.pool(image))
    readout = learned.readout
    decision = readout.decide(code)
    flags = quality_flags(measure_appearance(image), capture.width, capture.height)
    if decision.oddness <= readout.settings.odd_below:
        flags = (*flags, "unlike")
    best = decision.answer[0] if decision.answer else int(decision.probabilities.argmax())
    return Prediction(
        origin=image.origin,
        labels=tuple(readout.classes[i] for i in decision.answer),
        classes=readout.classes,
        probabilities=decision.probabilities,
        could_be=tuple(readout.classes[i] for i in np.flatnonzero(decision.could_be)),
        coverage=readout.settings.coverage,
        reason=decision.reason,
        flags=flags,
        evidence=_gather_evidence(learned, image, code, readout.classes[best]) if evidence else None,
    )


def _gather_evidence(learned: Learned, image: Image, code: Code, label: str) -> Evidence:
    readout = learned.readout
    column = readout.labels.index(label)
    maps = learned.backbone.feature_maps(image)
    heatmap = measure_heatmap(label, readout.weights[column], float(readout.biases[column]), code, maps)
    if learned.taught is None:
        return Evidence(heatmap, (), ())
    raised, lowered = measure_influences(readout, learned.taught, code, column)
    return Evidence(heatmap, raised, lowered)
