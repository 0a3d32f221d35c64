"""Files become codes: read, measure and embed on every core, in order, with flat memory."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from foveal.core.contracts import Backbone, Code, PatchBackbone, Progress, silent
from foveal.core.errors import InputError
from foveal.core.example import Example
from foveal.core.image import Appearance, Capture, Image
from foveal.imaging.appearance import measure_appearance
from foveal.imaging.decode import read
from foveal.imaging.thumbnail import make_thumbnail
from foveal.memory.codes import make_code
from foveal.memory.patch_codes import make_patch_code
from foveal.workflows.ahead import map_ahead

KEEP = 1.5  # a JPEG is decoded to no less than this many times the side the backbone takes


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A picture that was read: facts, code int16 (d,) and a JPEG thumbnail."""

    example: Example
    capture: Capture
    appearance: Appearance
    code: Code
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that could not be used, and why."""

    example: Example
    reason: str


@dataclass(frozen=True, slots=True)
class Eye:
    """How pictures become codes: `embed`, from images of no less than `side` pixels on the short side."""

    embed: Callable[[Image], Code]
    side: int
    thumbnail: int = 96  # pixels of a thumbnail's long side


def class_eye(backbone: Backbone) -> Eye:
    """Codes of whole pictures."""
    return Eye(lambda image: make_code(backbone.pool(image)), round(backbone.card.input_size * KEEP))


def patch_eye(backbone: PatchBackbone) -> Eye:
    """Codes of all patches, with thumbnails large enough to show one."""
    return Eye(lambda image: make_patch_code(backbone.patches(image)), round(backbone.side * KEEP), 384)


def count_threads() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def see_all(
    examples: Iterable[Example],
    eye: Eye,
    *,
    n_examples: int = 0,
    threads: int | None = None,
    progress: Progress = silent,
) -> Iterator[Seen | Unreadable]:
    """Yield one result per example, in order; a bad file becomes Unreadable and nothing stops.

    Threads suffice: decoding and inference release the interpreter, and one-thread sessions side
    by side beat large batches on a processor.
    """
    results = map_ahead(lambda example: _see_file(example, eye), examples, threads or count_threads())
    for done, result in enumerate(results, start=1):
        yield result
        progress("seeing", done, n_examples)


def _see_file(example: Example, eye: Eye) -> Seen | Unreadable:
    try:
        image, capture = read(example.path, at_least=eye.side)
        thumbnail = make_thumbnail(image, eye.thumbnail)
        return Seen(example, capture, measure_appearance(image), eye.embed(image), thumbnail)
    except InputError as problem:
        return Unreadable(example, str(problem))
