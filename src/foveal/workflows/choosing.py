"""Which part of a picture to look at, chosen by the left-out score of a sample."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from foveal.backbones.catalog import DEFAULT_VIEW, Options, open_backbone
from foveal.backbones.preprocess import VIEWS
from foveal.core.contracts import Backbone, Code, Progress
from foveal.core.errors import InputError
from foveal.core.example import Example
from foveal.imaging.decode import read
from foveal.memory.codes import make_code
from foveal.memory.moments import sum_moments
from foveal.recognizers.calibration import measure_log_loss
from foveal.recognizers.classifier import fit_classifier
from foveal.recognizers.settings import Settings
from foveal.recognizers.taught import CodesInMemory, Taught
from foveal.workflows.seeing import KEEP, count_threads

SAMPLE = 320  # pictures seen in every view before choosing
LEAST = 40  # with fewer pictures the default view is taken unseen
QUARTERS = 4  # a class is left out a quarter at a time, in file order, so that bursts stay together
LEVELS = (0.05, 0.2, 0.5)


def choose_view(name: str, options: Options, examples: Sequence[Example], progress: Progress) -> Options:
    """Return the options with the view whose left-out log loss is least on a sample of each class.

    The sample is spread evenly over each class's files; needs at least LEAST single-label pictures.
    """
    sample, groups = _spread(examples)
    if len(sample) < LEAST:
        return replace(options, view=DEFAULT_VIEW)
    backbones = [open_backbone(name, replace(options, view=view)) for view in VIEWS]
    with ThreadPoolExecutor(count_threads()) as pool:
        seen = []
        for done, codes in enumerate(pool.map(lambda example: _see_views(example, backbones), sample), start=1):
            seen.append(codes)
            progress("choosing the view", done, len(sample))
    kept = [i for i, codes in enumerate(seen) if codes is not None]
    losses = []
    for place, backbone in enumerate(backbones):
        codes = np.array([codes[place] for codes in seen if codes is not None])
        losses.append(_left_out_loss(codes, [sample[i].labels[0] for i in kept], groups[kept], backbone))
    best = int(np.argmin(losses)) if np.isfinite(losses).any() else list(VIEWS).index(DEFAULT_VIEW)
    return replace(options, view=list(VIEWS)[best])


def _spread(examples: Sequence[Example]) -> tuple[list[Example], np.ndarray]:
    by_label: dict[str, list[Example]] = {}
    for example in examples:
        if len(example.labels) == 1 and example.split != "test":
            by_label.setdefault(example.labels[0], []).append(example)
    if len(by_label) < 2:
        return [], np.zeros(0, np.int64)
    each = max(QUARTERS, SAMPLE // len(by_label))
    sample, groups = [], []
    for number, label in enumerate(sorted(by_label)[:SAMPLE]):
        mine = by_label[label]
        places = np.unique(np.linspace(0, len(mine) - 1, min(each, len(mine))).astype(int))
        sample += [mine[i] for i in places]
        groups += [number * QUARTERS + i * QUARTERS // len(mine) for i in places]
    return sample, np.array(groups, np.int64)


def _see_views(example: Example, backbones: Sequence[Backbone]) -> list[Code] | None:
    try:
        image, _ = read(example.path, at_least=round(backbones[0].card.input_size * KEEP))
        return [make_code(backbone.pool(image)) for backbone in backbones]
    except InputError:
        return None


def _left_out_loss(codes: Code, labels: list[str], groups: np.ndarray, backbone: Backbone) -> float:
    ids = np.arange(len(codes))
    names = tuple((label,) for label in labels)
    taught = Taught(ids, tuple(map(str, ids)), names, groups, CodesInMemory(ids, codes))
    moments = sum_moments(backbone.id, backbone.dim, [(codes, names)])
    losses = [np.inf]
    for level in LEVELS:
        try:
            _, left_out = fit_classifier(moments, taught, Settings(priors="equal", level=level))
        except InputError:
            continue
        rows = left_out.valid
        if rows.any():
            likely = np.log(np.maximum(left_out.probabilities[rows].astype(np.float64), 1e-12))
            losses.append(measure_log_loss(likely, left_out.truth[rows].argmax(axis=1), 1.0, np.zeros(likely.shape[1])))
    return float(min(losses))
