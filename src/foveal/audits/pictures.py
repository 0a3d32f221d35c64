"""The table that audits read: what is known of each picture, as parallel values."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foveal.core.errors import InputError
from foveal.core.image import Appearance, Capture


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures side by side; every value has one entry per picture, in the order of `ids` (n,)."""

    ids: npt.NDArray[np.int64]
    names: tuple[str, ...]
    paths: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    splits: tuple[str | None, ...]
    groups: tuple[str | None, ...]  # what the user or the file says must not leak
    captures: tuple[Capture, ...]
    appearances: tuple[Appearance, ...]

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        columns = (self.names, self.paths, self.labels, self.splits, self.groups, self.captures, self.appearances)
        lengths = {len(self.ids), *map(len, columns)}
        if len(lengths) != 1:
            raise InputError(f"Columns of pictures must be equally long, got lengths {sorted(lengths)}.")

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.ids)
