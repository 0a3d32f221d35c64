"""Likely wrong labels, from what every picture would have got without its own group."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from foveal.audits.finding import Finding, say_how_many


def find_wrong_labels(
    names: Sequence[str], classes: Sequence[str], truth: npt.NDArray[np.int64], probabilities: npt.NDArray[np.floating]
) -> list[Finding]:
    """List pictures whose left-out probabilities (n, C) confidently name another class than `truth` (n,).

    A class is named confidently when its probability reaches the mean probability that its own
    pictures give it. Ranked by how far the given label falls behind.
    Source: Northcutt, Jiang, Chuang 2021, "Confident Learning", eq. 2.
    """
    n_classes = len(classes)
    means = np.array([probabilities[truth == c, c].mean() if (truth == c).any() else np.inf for c in range(n_classes)])
    confident = np.where(probabilities >= means, probabilities, -1.0)
    rival = confident.argmax(axis=1)
    own = np.take_along_axis(probabilities, truth[:, None], axis=1)[:, 0]
    best = np.take_along_axis(confident, rival[:, None], axis=1)[:, 0]
    gap = best - own
    suspects = np.flatnonzero((best > 0) & (rival != truth) & (gap > 0.5))
    if not len(suspects):
        return []
    order = suspects[np.argsort(-gap[suspects], kind="stable")]
    return [
        Finding(
            "likely wrong label",
            "warning",
            tuple(f"{names[i]}: {classes[truth[i]]}, looks like {classes[rival[i]]} ({best[i]:.0%})" for i in order),
            say_how_many(len(order), "label looks", "labels look")
            + " wrong to a recognizer that never saw the picture.",
            "Look at them, and run foveal correct where the label is wrong.",
            float(len(order)),
        )
    ]
