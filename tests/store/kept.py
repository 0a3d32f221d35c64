"""Pictures made up for the tests of the store."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from foveal.core.example import Example
from foveal.core.image import Appearance, Capture
from foveal.store.rows import NewExample
from foveal.store.workspace import Workspace

DIM = 96


def picture_bytes(number: int) -> bytes:
    """The file of a made-up picture."""
    return f"picture {number}".encode()


def new_example(
    number: int,
    *,
    name: str | None = None,
    subject: str | None = None,
    group: str | None = None,
    labels: Sequence[str] = ("cat",),
) -> NewExample:
    """A picture whose code and thumbnail are random but follow from its number."""
    random = np.random.default_rng(number)
    name = name if name is not None else f"frame {number:05d} ä.jpg"
    capture = Capture(hashlib.sha256(picture_bytes(number)).hexdigest(), 10, "JPEG", 8, 6)
    code = random.integers(0, 3000, DIM).astype(np.int16)
    thumbnail = b"\xff\xd8header\xff\xda" + random.bytes(1500)
    example = Example(f"/photos/{name}", name, tuple(labels), group=group, subject=subject, split="train")
    return NewExample(example, capture, Appearance(number, 1.5, 2.5, 3.5, 4.5), code, thumbnail)


def fresh(folder: Path, n: int = 0) -> Workspace:
    """A new workspace with `n` pictures, open for writing."""
    workspace = Workspace.create(folder, {"kind": "single"})
    if n:
        workspace.add([new_example(number) for number in range(n)], memory_sha256="before")
    return workspace
