"""Where the true defects are, from mask pictures that lie where such sets keep them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from foveal.imaging.decode import read
from foveal.recognizers.regions import label_regions

MASKS = "ground_truth"
ENDINGS = ("_mask.png", ".png", "_mask.bmp", ".bmp", "_mask.tif", ".tif", ".jpg")
INSIDE = 127  # grey levels above which a point of a mask is defective


def find_mask(picture: Path, masks: Path | None = None) -> Path | None:
    """The mask of a picture: in `masks`, by its name with or without the kind's folder, or MVTec-like beside.

    For ROOT/test/KIND/NAME.png that is ROOT/ground_truth/KIND/NAME_mask.png or NAME.png.
    """
    kind = picture.parent.name
    places = [picture.parent.parent.parent / MASKS / kind] if masks is None else [masks / kind, masks]
    for place in places:
        for ending in ENDINGS:
            candidate = place / f"{picture.stem}{ending}"
            if candidate.is_file() and candidate != picture:
                return candidate
    return None


def read_mask(path: Path, rows: int, columns: int) -> npt.NDArray[np.int64]:
    """Defects numbered from 1, 0 outside, int64 (rows, columns); a point is inside where any of its area is.

    Nothing is marked by an empty mask. Raises InputError where the file cannot be read.
    """
    image, _ = read(str(path))
    inside = image.pixels.max(axis=2) > INSIDE
    share = Pillow.fromarray((255 * inside).astype(np.uint8)).resize((columns, rows), Pillow.Resampling.BOX)
    return label_regions(np.asarray(share) > 0)
