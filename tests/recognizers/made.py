"""Small made-up memories for tests of read-outs."""

import numpy as np

from foveal.memory.codes import make_code
from foveal.memory.moments import sum_moments
from foveal.recognizers.taught import CodesInMemory, Taught

NAMES = ("apple", "pear", "plum", "fig")


def make_taught(n=80, dim=24, n_classes=3, seed=1, spread=0.5):
    """Codes of `n_classes` classes in general position, groups of two."""
    rng = np.random.default_rng(seed)
    centers = rng.random((n_classes, dim)) + 0.2
    classes = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)])
    codes = np.array([make_code(np.abs(centers[c] + spread * rng.random(dim))) for c in classes])
    return taught_of(codes, [(NAMES[c],) for c in classes])


def taught_of(codes, labels, groups=None):
    """Wrap codes and labels."""
    ids = np.arange(1, len(codes) + 1)
    groups = np.arange(len(codes)) // 2 if groups is None else groups
    names = tuple(f"{label[0] if label else 'none'} {i}.jpg" for i, label in enumerate(labels))
    return Taught(ids, names, tuple(labels), groups, CodesInMemory(ids, codes))


def moments_of(taught, backbone="made"):
    """Moments of what was taught."""
    codes = taught.codes.codes
    return sum_moments(backbone, codes.shape[1], [(codes, taught.labels)])


def without(taught, index):
    """The same without one picture."""
    keep = np.arange(len(taught)) != index
    reader = CodesInMemory(taught.ids[keep], taught.codes.codes[keep])
    return Taught(
        taught.ids[keep],
        tuple(np.array(taught.names)[keep]),
        tuple(names for names, kept in zip(taught.labels, keep, strict=True) if kept),
        taught.groups[keep],
        reader,
    )
