"""Pictures that are blurred, dark, washed out, tiny, or far from everything in their class."""

from collections import defaultdict

import numpy as np
import numpy.typing as npt

from foveal.audits.finding import Finding
from foveal.audits.pictures import Pictures
from foveal.core.prediction import FLAGS
from foveal.imaging.appearance import quality_flags

ODD_SHARE = 4.0  # a left-out distance this many times the median is odd


def find_poor_looks(pictures: Pictures) -> list[Finding]:
    """One finding per quality flag."""
    flagged: dict[str, list[str]] = defaultdict(list)
    for name, capture, look in zip(pictures.names, pictures.captures, pictures.appearances, strict=True):
        for flag in quality_flags(look, capture.width, capture.height):
            flagged[flag].append(name)
    return [
        Finding(
            flag,
            "note",
            tuple(names),
            f"{_say(len(names))}: {FLAGS[flag]}.",
            "Take them again, or keep them if pictures to come look like this too.",
            float(len(names)),
        )
        for flag, names in sorted(flagged.items())
    ]


def find_odd_pictures(names: list[str], distances: npt.NDArray[np.float64]) -> list[Finding]:
    """Pictures whose left-out squared distances (n,) to the nearest class are far out; farthest first."""
    if len(distances) < 10:
        return []
    limit = ODD_SHARE * float(np.median(distances))
    odd = np.flatnonzero(distances > limit)
    if not len(odd):
        return []
    order = odd[np.argsort(-distances[odd], kind="stable")]
    return [
        Finding(
            "odd picture",
            "note",
            tuple(names[i] for i in order),
            f"{_say(len(order))} {'resembles' if len(order) == 1 else 'resemble'} nothing else that was taught.",
            "Check that they belong here: a wrong file, a screenshot, a page of text?",
            float(len(order)),
        )
    ]


def _say(n: int) -> str:
    return "1 picture" if n == 1 else f"{n} pictures"
