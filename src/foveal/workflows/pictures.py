"""The pictures of a workspace as audits read them: their table, their codes, their groups."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from foveal.audits.bursts import NO_NEIGHBORS, THRESHOLD, find_bursts
from foveal.audits.pictures import Pictures
from foveal.recognizers.statistics import Ints
from foveal.recognizers.taught import CodeReader
from foveal.store.rows import ExampleRow
from foveal.store.workspace import Workspace


@dataclass(frozen=True, eq=False)
class WorkspaceCodes(CodeReader):
    """Reads codes from a workspace folder; every call opens it anew, so any thread may call."""

    folder: Path

    def blocks(self, ids: Ints, rows: int = 1024) -> Iterator[npt.NDArray[np.int16]]:
        """Yield codes of these ids, in order."""
        with Workspace.open(self.folder) as workspace:
            for _, codes in workspace.code_blocks(ids, rows=rows):
                yield codes


def group_rows(workspace: Workspace, rows: Sequence[ExampleRow], *, bursts: bool) -> Ints:
    """Number what must not leak: the user's groups, files' own groups, bursts and copies (n,)."""
    measures = {m.id: m for m in workspace.measures()}
    reader = WorkspaceCodes(workspace.folder)
    return find_groups(make_pictures(rows, measures), reader, bursts=bursts)


def find_groups(pictures: Pictures, reader: CodeReader, *, bursts: bool) -> Ints:
    """Group numbers (n,), with neighbors that look alike or without them."""
    return find_bursts(pictures, reader, threshold=THRESHOLD if bursts else NO_NEIGHBORS).groups


def make_pictures(rows: Sequence[ExampleRow], measures: dict[int, Any]) -> Pictures:
    """The table that audits read."""
    return Pictures(
        ids=np.array([row.id for row in rows], np.int64),
        names=tuple(row.name for row in rows),
        paths=tuple(row.path for row in rows),
        labels=tuple(row.labels for row in rows),
        splits=tuple(row.split for row in rows),
        groups=tuple(row.group for row in rows),
        captures=tuple(measures[row.id].capture for row in rows),
        appearances=tuple(measures[row.id].appearance for row in rows),
    )
