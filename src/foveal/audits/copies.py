"""The same picture twice: exact copies, near copies, and copies shared between splits."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from foveal.audits.finding import Finding
from foveal.audits.pictures import Pictures
from foveal.memory.codes import to_unit
from foveal.recognizers.taught import CodeReader

NEAR_BITS = 6  # fingerprints of 64 bits that differ in no more are compared further
NEAR_COSINE = 0.98  # of codes; resaved and slightly cropped copies reach it, neighbours in a burst rarely do
MOST_PER_BUCKET = 400  # featureless pictures share fingerprints; larger buckets mean nothing


def find_copies(pictures: Pictures, reader: CodeReader) -> list[Finding]:
    """List exact copies, near copies and copies between splits, the gravest first."""
    exact = _exact(pictures)
    near = _near(pictures, reader, exact)
    found = [_conflicting(pictures, exact), _between_splits(pictures, exact + near)]
    extra = [i for members in exact for i in members[1:]]
    if extra:
        found.append(
            Finding(
                "exact copies",
                "warning",
                tuple(pictures.names[i] for i in extra),
                f"{len(extra)} files are exact copies of others.",
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
                f"{len(near)} pairs look the same, resized or saved again.",
                "Keep one of each pair.",
                float(len(near)),
            )
        )
    return [finding for finding in found if finding is not None]


def _exact(pictures: Pictures) -> list[list[int]]:
    by_hash: dict[str, list[int]] = defaultdict(list)
    for i, capture in enumerate(pictures.captures):
        by_hash[capture.sha256].append(i)
    return [members for members in by_hash.values() if len(members) > 1]


def _near(pictures: Pictures, reader: CodeReader, exact: list[list[int]]) -> list[list[int]]:
    known = {i for members in exact for i in members[1:]}
    candidates = [pair for pair in _alike(pictures) if not known & set(pair)]
    if not candidates:
        return []
    wanted = sorted({i for pair in candidates for i in pair})
    units = np.concatenate([to_unit(block) for block in reader.blocks(pictures.ids[wanted])])
    place = {i: k for k, i in enumerate(wanted)}
    return [pair for pair in candidates if float(units[place[pair[0]]] @ units[place[pair[1]]]) > NEAR_COSINE]


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
        f"{len(torn)} files appear under different labels.",
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
        f"{len(leaks)} pictures are both taught and tested.",
        "Remove them from the test, or its figures flatter.",
        float(len(leaks)),
    )
