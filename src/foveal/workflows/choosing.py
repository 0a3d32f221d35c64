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
from foveal.recognizers.classifier import fit_classifier
from foveal.recognizers.settings import Settings
from foveal.recognizers.statistics import Floats
from foveal.recognizers.taught import CodesInMemory, Taught
from foveal.workflows.seeing import KEEP, count_threads

SAMPLE = 320  # pictures seen in every view before choosing
AGAIN = 2  # times SAMPLE are seen where that many do not settle it
LEAST = 40  # with fewer pictures the default view is taken unseen
LEAST_EACH = 4  # pictures of each class
SPAN = 8  # sampled files this close in file order are left out together, so that bursts stay together
SURE = 2.0  # standard errors by which a view must be worse to be dropped


def choose_view(name: str, options: Options, examples: Sequence[Example], progress: Progress) -> Options:
    """Return the options with the view whose left-out log loss is least on a sample of each class.

    The sample is spread evenly over each class's files. Where it does not settle the matter, as many
    pictures again are seen in the views that are still in question. Needs at least LEAST
    single-label pictures.
    """
    sample, groups = _spread(examples)
    if len(sample) < LEAST:
        return replace(options, view=DEFAULT_VIEW)
    open_views = {view: open_backbone(name, replace(options, view=view)) for view in VIEWS}
    losses: dict[str, Floats] = {}
    codes: dict[int, dict[str, Code]] = {}
    for part in (range(0, len(sample), AGAIN), [i for i in range(len(sample)) if i % AGAIN]):
        codes |= _see_part(sample, part, open_views, progress)
        places = sorted(codes)
        labels = [sample[i].labels[0] for i in places]
        losses = {
            view: _left_out_losses(np.array([codes[i][view] for i in places]), labels, groups[places], backbone)
            for view, backbone in open_views.items()
        }
        open_views = {view: open_views[view] for view in _contenders(losses)}
        if len(open_views) < 2:
            break
    return replace(options, view=_best(losses))


def _see_part(
    sample: Sequence[Example], places: Sequence[int], backbones: dict[str, Backbone], progress: Progress
) -> dict[int, dict[str, Code]]:
    """Codes by place and view of those pictures that can be read."""
    found = {}
    with ThreadPoolExecutor(count_threads()) as pool:
        results = pool.map(lambda place: _see_views(sample[place], backbones), places)
        for done, (place, codes) in enumerate(zip(places, results, strict=True), start=1):
            if codes is not None:
                found[place] = codes
            progress("choosing the view", done, len(places))
    return found


def _contenders(losses: dict[str, Floats]) -> list[str]:
    """The best view, and those that are not worse by SURE standard errors of the paired difference."""
    best = _best(losses)

    def is_worse(view: str) -> bool:
        apart = losses[view] - losses[best]
        return len(apart) > 1 and apart.mean() > SURE * apart.std(ddof=1) / np.sqrt(len(apart))

    return [view for view in losses if view == best or not is_worse(view)]


def _best(losses: dict[str, Floats]) -> str:
    """The view of least mean loss; the default where nothing could be left out."""
    known = {view: float(values.mean()) for view, values in losses.items() if len(values)}
    return min(known, key=lambda view: (known[view], view != DEFAULT_VIEW)) if known else DEFAULT_VIEW


def _spread(examples: Sequence[Example]) -> tuple[list[Example], np.ndarray]:
    by_label: dict[str, list[Example]] = {}
    for example in examples:
        if len(example.labels) == 1 and example.split != "test":
            by_label.setdefault(example.labels[0], []).append(example)
    if len(by_label) < 2:
        return [], np.zeros(0, np.int64)
    each = AGAIN * max(LEAST_EACH, SAMPLE // len(by_label))
    sample, groups = [], []
    for number, label in enumerate(sorted(by_label)[:SAMPLE]):
        mine = by_label[label]
        places = np.unique(np.linspace(0, len(mine) - 1, min(each, len(mine))).astype(int))
        sample += [mine[i] for i in places]
        groups += [number * len(examples) + int(i) // SPAN for i in places]
    return sample, np.array(groups, np.int64)


def _see_views(example: Example, backbones: dict[str, Backbone]) -> dict[str, Code] | None:
    side = max(backbone.card.input_size for backbone in backbones.values())
    try:
        image, _ = read(example.path, at_least=round(side * KEEP))
        return {view: make_code(backbone.pool(image)) for view, backbone in backbones.items()}
    except InputError:
        return None


def _left_out_losses(codes: Code, labels: list[str], groups: np.ndarray, backbone: Backbone) -> np.ndarray:
    """Left-out loss of every sampled picture at its best level; empty where nothing can be left out."""
    if not len(codes):
        return np.zeros(0)
    ids = np.arange(len(codes))
    names = tuple((label,) for label in labels)
    order = np.argsort(groups, kind="stable")
    taught = Taught(
        ids[order],
        tuple(map(str, order)),
        tuple(names[i] for i in order),
        groups[order],
        CodesInMemory(ids, codes),
    )
    moments = sum_moments(backbone.id, backbone.dim, [(codes, names)])
    try:
        _, left_out = fit_classifier(moments, taught, Settings(priors="equal"))
    except InputError:
        return np.zeros(0)
    own = left_out.probabilities[left_out.valid][left_out.truth[left_out.valid]]
    return np.asarray(-np.log(np.maximum(own.astype(np.float64), 1e-12)))
