"""One page for groups of pictures: of each a representative, how many, and what is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image as Pillow

from foveal.core.image import Image
from foveal.imaging.depth import to_pixels
from foveal.imaging.layout import (
    FAINT,
    HEAD,
    INK,
    MARGIN,
    SMALL,
    SOFT,
    TITLE,
    WIDTH,
    canvas,
    open_thumbnail,
    short_name,
    stack,
)
from foveal.imaging.typography import elide, write

COLUMNS, SPACE = 5, 20
CELL = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * SPACE) // COLUMNS
MOST_ROWS = 12


@dataclass(frozen=True, eq=False)
class Cluster:
    """Pictures that show the same; the representative is most like all others."""

    names: tuple[str, ...]
    representative: str
    thumbnail: bytes = field(repr=False)
    facts: Mapping[str, str]
    caption: str = ""  # in place of the number of pictures

    @property
    def n(self) -> int:
        """Number of pictures."""
        return len(self.names)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"n": self.n, "representative": self.representative, "names": list(self.names), **self.facts}


def draw_clusters(title: str, clusters: Sequence[Cluster], origin: str) -> Image:
    """Draw a sheet, 1200 pixels wide, of the first sixty clusters in the order given."""
    shown = clusters[: COLUMNS * MOST_ROWS]
    head, pen = canvas(WIDTH - 2 * MARGIN, round(1.3 * TITLE))
    write(pen, (0, 0), elide(title, TITLE, head.width), TITLE, INK)
    parts = [head]
    for start in range(0, len(shown), COLUMNS):
        cells = [_draw_cell(cluster) for cluster in shown[start : start + COLUMNS]]
        row, _ = canvas(WIDTH - 2 * MARGIN, max(cell.height for cell in cells))
        for place, cell in enumerate(cells):
            row.paste(cell, (place * (CELL + SPACE), 0))
        parts.append(row)
    if len(clusters) > len(shown):
        foot, pen = canvas(WIDTH - 2 * MARGIN, round(1.5 * SMALL))
        write(pen, (0, 0), f"and {len(clusters) - len(shown)} more", SMALL, SOFT)
        parts.append(foot)
    return Image(to_pixels(stack(parts)), origin)


def _draw_cell(cluster: Cluster) -> Pillow.Image:
    lines = [short_name(cluster.representative), *(f"{key}: {value}" for key, value in cluster.facts.items() if value)]
    picture, pen = canvas(CELL, CELL + round(1.6 * HEAD) + round(1.4 * SMALL) * len(lines))
    opened = open_thumbnail(cluster.thumbnail)
    pen.rectangle((0, 0, CELL - 1, CELL - 1), (244, 245, 247))
    if opened is None:
        write(pen, (16, CELL / 2), "no copy kept", SMALL, SOFT)
    else:
        scale = min(CELL / opened.width, CELL / opened.height)
        opened = opened.resize((max(1, round(opened.width * scale)), max(1, round(opened.height * scale))))
        picture.paste(opened, ((CELL - opened.width) // 2, (CELL - opened.height) // 2))
    pen.rectangle((0, 0, CELL - 1, CELL - 1), outline=FAINT)
    write(pen, (0, CELL + 6), elide(_caption(cluster), HEAD, CELL), HEAD, INK)
    for row, line in enumerate(lines):
        write(pen, (0, CELL + round(1.6 * HEAD) + row * round(1.4 * SMALL)), elide(line, SMALL, CELL), SMALL, SOFT)
    return picture


def _caption(cluster: Cluster) -> str:
    return cluster.caption or f"{cluster.n} picture{'s' if cluster.n > 1 else ''}"
