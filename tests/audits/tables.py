"""Tables of pictures made up for audits; columns that are not given say nothing."""

import numpy as np

from foveal.audits.pictures import Pictures
from foveal.core.image import Appearance, Capture

CAPTURE = {"sha256": None, "n_bytes": 50_000, "format": "JPEG", "width": 640, "height": 480, "device": None}
LOOK = {"fingerprint": None, "sharpness": 300.0, "brightness": 120.0, "contrast": 50.0, "border": 100.0}


def make_pictures(labels, splits=None, **columns):
    """Pictures with these labels; a column (a field of Capture or Appearance) has one value per picture."""
    n = len(labels)

    def row(fields, i):
        given = {name: columns[name][i] if name in columns else value for name, value in fields.items()}
        return {name: value.item() if isinstance(value, np.generic) else value for name, value in given.items()}

    captures, looks = [row(CAPTURE, i) for i in range(n)], [row(LOOK, i) for i in range(n)]
    prints = np.random.default_rng(9).integers(0, 2**63, n)
    for i in range(n):
        captures[i]["sha256"] = captures[i]["sha256"] or f"{i:064x}"
        looks[i]["fingerprint"] = int(prints[i]) if looks[i]["fingerprint"] is None else looks[i]["fingerprint"]
    names = tuple(f"{''.join(label)}/{i}.jpg" for i, label in enumerate(labels))
    return Pictures(
        np.arange(1, n + 1),
        names,
        tuple(f"/photos/{name}" for name in names),
        tuple(labels),
        tuple(splits or [None] * n),
        (None,) * n,
        tuple(Capture(**capture) for capture in captures),
        tuple(Appearance(**look) for look in looks),
    )
