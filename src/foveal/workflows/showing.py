"""Evidence as two pictures of one size, to be laid over each other: the picture, and where the answer comes from."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image as Pillow

from foveal.core.contracts import Backbone
from foveal.core.image import Image
from foveal.core.inspection import Inspection
from foveal.core.prediction import Prediction
from foveal.imaging.draw import draw_heatmap
from foveal.imaging.inspection_sheet import draw_anomaly_map

SIDE = 900  # pixels of the long side


@dataclass(frozen=True)
class Layers:
    """JPEG files of the same width and height; `heat` is b"" where there is no evidence."""

    picture: bytes
    heat: bytes


def show_prediction(backbone: Backbone, image: Image, prediction: Prediction) -> Layers:
    """The picture, and the same with what speaks for the answer warm and what speaks against it cool."""
    small = _shrink(image)
    if prediction.evidence is None:
        return Layers(_jpeg(small.pixels), b"")
    seen = backbone.crop(small)
    drawn = draw_heatmap(seen, prediction.evidence.heatmap)
    left, top = (small.width - seen.width) // 2, (small.height - seen.height) // 2
    around = 64 + 0.7 * np.asarray(Pillow.fromarray(small.pixels).convert("L"), np.float32)[..., None]
    heat = np.repeat(around.clip(0, 255).astype(np.uint8), 3, axis=2)
    heat[top : top + drawn.height, left : left + drawn.width] = drawn.pixels
    return Layers(_jpeg(small.pixels), _jpeg(heat))


def show_inspection(image: Image, inspection: Inspection) -> Layers:
    """The picture, and the same with what differs from good ones warm."""
    small = _shrink(image)
    return Layers(_jpeg(small.pixels), _jpeg(draw_anomaly_map(small, inspection, SIDE).pixels))


def _shrink(image: Image) -> Image:
    picture = Pillow.fromarray(image.pixels)
    picture.thumbnail((SIDE, SIDE), Pillow.Resampling.BICUBIC, reducing_gap=2.0)
    return Image(np.asarray(picture), image.origin)


def _jpeg(pixels: np.ndarray) -> bytes:
    buffer = BytesIO()
    Pillow.fromarray(pixels).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
