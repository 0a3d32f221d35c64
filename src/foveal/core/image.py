"""An image in memory, and what its file and its pixels say at a glance."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from foveal.core.errors import InputError

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Image:
    """An upright sRGB image; `pixels` is uint8 (height, width, 3)."""

    pixels: Pixels
    origin: str  # a path, "bytes" or "array": shown to people, never parsed

    def __post_init__(self) -> None:
        """Refuse anything that is not uint8 (height, width, 3) with both sides at least 1."""
        shape = self.pixels.shape
        if self.pixels.dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise InputError(
                f"{self.origin}: pixels must be uint8 (height, width, 3), got {self.pixels.dtype} {shape}."
            )

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])


@dataclass(frozen=True, slots=True)
class Capture:
    """What a file says about itself; width and height are upright and before any reduction."""

    sha256: str  # of the file's bytes
    n_bytes: int
    format: str  # "JPEG", "PNG", "DICOM", ...
    width: int
    height: int
    taken_at: str | None = None  # ISO 8601, from EXIF; None where the file does not say
    device: str | None = None  # maker and model of the camera
    group: str | None = None  # what the file says must not leak, such as a DICOM PatientID


@dataclass(frozen=True, slots=True)
class Appearance:
    """Measures of the pixels alone, taken on a grey copy of about 256 pixels on the short side."""

    fingerprint: int  # 64-bit difference hash: near-identical images differ in few bits
    sharpness: float  # variance of the Laplacian, grey levels squared
    brightness: float  # mean grey level, 0..255
    contrast: float  # standard deviation of the grey level
    border: float  # mean grey level of the outermost 2 % of the image
