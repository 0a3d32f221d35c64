"""The same picture twice: exact copies, near copies, and copies shared between splits."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from foveal.audits.finding import Finding, say_how_many
from foveal.audits.pictures import Pictures

ReadThumbnail = Callable[[int], bytes]  # the JPEG thumbnail of a picture id, b"" where there is none

NEAR_BITS = 6  # fingerprints of 64 bits that differ in no more are compared further
# Mean difference of grey levels at 32 x 32, as a share of the contrast: copies saved again or resized stay
# below it, and pictures of one kind under one light (cells, scans) do not.
NEAR_DIFFERENCE = 0.05
LEAST_DIFFERENCE = 0.75  # grey levels; rounding and compression alone make this much
MOST_PER_BUCKET = 400  # featureless pictures share fingerprints; larger buckets mean nothing


def find_copies(pictures: Pictures, read_thumbnail: ReadThumbnail) -> list[Finding]:
    """List exact copies, near copies and copies between splits, the gravest first."""
    exact = _exact(pictures)
    near = _near(pictures, read_thumbnail, exact)
    found = [_conflicting(pictures, exact), _between_splits(pictures, exact + near)]
    extra = [i for members in exact for i in members[1:]]
    if extra:
        found.append(
            Finding(
                "exact copies",
                "warning",
                tuple(pictures.names[i] for i in extra),
                say_how_many(len(extra), "file is an exact copy of another.", "files are exact copies of others."),
                "They count as one group when left out. Remove them, or they weigh double.",
                float(len(extra)),
            )
        )
    if near:
        found.append(
            Finding(
                "near copies",
                "note",
                tuple(f"{pictures.names[a]} ~ {pictures.names[b]}" for a, b in near),
                say_how_many(len(near), "pair looks", "pairs look") + " the same, resized or saved again.",
                "Keep one of each pair.",
                float(len(near)),
            )
        )
    return [finding for finding in found if finding is not None]


def group_copies(pictures: Pictures, read_thumbnail: ReadThumbnail) -> list[list[int]]:
    """Rows of pictures that are exact or near copies of each other, a list for each group of two or more."""
    exact = _exact(pictures)
    return _join(exact + _near(pictures, read_thumbnail, exact))


def _join(pairs: Sequence[Sequence[int]]) -> list[list[int]]:
    """Groups of what is linked, each sorted, by their first member."""
    root: dict[int, int] = {}

    def find(one: int) -> int:
        while root.setdefault(one, one) != one:
            one = root[one]
        return one

    for members in pairs:
        for other in members[1:]:
            a, b = find(members[0]), find(other)
            root[max(a, b)] = min(a, b)
    groups: dict[int, list[int]] = {}
    for one in sorted(root):
        groups.setdefault(find(one), []).append(one)
    return list(groups.values())


def _exact(pictures: Pictures) -> list[list[int]]:
    by_hash: dict[str, list[int]] = defaultdict(list)
    for i, capture in enumerate(pictures.captures):
        by_hash[capture.sha256].append(i)
    return [members for members in by_hash.values() if len(members) > 1]


def _near(pictures: Pictures, read_thumbnail: ReadThumbnail, exact: list[list[int]]) -> list[list[int]]:
    known = {i for members in exact for i in members[1:]}
    small: dict[int, npt.NDArray[np.float64]] = {}
    found = []
    for pair in _alike(pictures):
        if known & set(pair):
            continue
        for i in pair:
            if i not in small:
                small[i] = _shrink(read_thumbnail(int(pictures.ids[i])))
        limit = max(LEAST_DIFFERENCE, NEAR_DIFFERENCE * min(pictures.appearances[i].contrast for i in pair))
        if small[pair[0]].size and small[pair[1]].size and np.abs(small[pair[0]] - small[pair[1]]).mean() <= limit:
            found.append(pair)
    return found


def _shrink(jpeg: bytes) -> npt.NDArray[np.float64]:
    """Grey levels (32, 32) of a thumbnail; nothing for none."""
    if not jpeg:
        return np.zeros(0)
    with Pillow.open(BytesIO(jpeg)) as thumbnail:
        return np.asarray(thumbnail.convert("L").resize((32, 32), Pillow.Resampling.BOX), np.float64)


def _alike(pictures: Pictures) -> Iterator[list[int]]:
    """Pairs whose fingerprints differ in at most NEAR_BITS bits: they agree in one of seven parts of it."""
    prints = [look.fingerprint for look in pictures.appearances]
    seen = set()
    parts = NEAR_BITS + 1
    for part in range(parts):
        low, high = 64 * part // parts, 64 * (part + 1) // parts
        buckets: dict[int, list[int]] = defaultdict(list)
        for i, fingerprint in enumerate(prints):
            if pictures.appearances[i].contrast > 8.0:
                buckets[(fingerprint >> low) & ((1 << (high - low)) - 1)].append(i)
        for members in buckets.values():
            if len(members) > MOST_PER_BUCKET:
                continue
            for k, a in enumerate(members):
                for b in members[k + 1 :]:
                    if (a, b) not in seen and (prints[a] ^ prints[b]).bit_count() <= NEAR_BITS:
                        seen.add((a, b))
                        yield [a, b]


def _conflicting(pictures: Pictures, exact: list[list[int]]) -> Finding | None:
    torn = [members for members in exact if len({frozenset(pictures.labels[i]) for i in members}) > 1]
    if not torn:
        return None
    return Finding(
        "copies with different labels",
        "error",
        tuple(
            " = ".join(f"{pictures.names[i]} ({', '.join(pictures.labels[i])})" for i in members) for members in torn
        ),
        say_how_many(len(torn), "file appears", "files appear") + " under different labels.",
        "One label must be wrong: correct or remove it.",
        float(len(torn)),
    )


def _between_splits(pictures: Pictures, groups: list[list[int]]) -> Finding | None:
    leaks = [
        members
        for members in groups
        if any(pictures.splits[i] == "test" for i in members) and any(pictures.splits[i] != "test" for i in members)
    ]
    if not leaks:
        return None
    return Finding(
        "copies between splits",
        "error",
        tuple(" = ".join(pictures.names[i] for i in members) for members in leaks),
        say_how_many(len(leaks), "picture is", "pictures are") + " both taught and tested.",
        "Remove them from the test, or its figures flatter.",
        float(len(leaks)),
    )
