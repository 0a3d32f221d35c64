"""The few facts about capture that foveal keeps from EXIF; place, owner and serial numbers are never read."""

import struct
from dataclasses import dataclass
from datetime import datetime

from PIL import ExifTags
from PIL import Image as Pillow

_MIRROR = Pillow.Transpose.FLIP_LEFT_RIGHT
# What undoes each EXIF orientation.
_UPRIGHT = {
    2: _MIRROR,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}
# A damaged EXIF block makes Pillow's parser fail in all of these ways; the pixels are still good.
_DAMAGED = (OSError, SyntaxError, ValueError, LookupError, TypeError, AttributeError, struct.error, ArithmeticError)


@dataclass(frozen=True)
class Facts:
    """What EXIF says: orientation 1..8, time as ISO 8601, maker and model."""

    orientation: int = 1
    taken_at: str | None = None
    device: str | None = None

    @property
    def is_turned(self) -> bool:
        """Whether width and height swap when upright."""
        return self.orientation >= 5


def read_facts(picture: Pillow.Image) -> Facts:
    """Read orientation, time and device; anything missing or damaged is left at its default."""
    try:
        exif = picture.getexif()
        if not exif:
            return Facts()
        orientation = exif.get(ExifTags.Base.Orientation, 1)
        device = " ".join(filter(None, map(_text, (exif.get(ExifTags.Base.Make), exif.get(ExifTags.Base.Model)))))
    except _DAMAGED:
        return Facts()
    try:
        capture = exif.get_ifd(ExifTags.IFD.Exif)
        taken_at = _moment(
            _text(capture.get(ExifTags.Base.DateTimeOriginal)),
            _text(capture.get(ExifTags.Base.SubsecTimeOriginal)),
            _text(capture.get(ExifTags.Base.OffsetTimeOriginal)),
        )
    except _DAMAGED:
        taken_at = None
    return Facts(orientation if orientation in _UPRIGHT else 1, taken_at, device or None)


def make_upright(picture: Pillow.Image, orientation: int) -> Pillow.Image:
    """Turn and mirror a picture so that it stands as it was seen."""
    return picture.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else picture


def _text(value: object) -> str:
    """Plain text of an EXIF value, padding and control characters dropped."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "ignore")
    if not isinstance(value, str):
        return ""
    return "".join(letter for letter in value.partition("\0")[0] if letter.isprintable()).strip()


def _moment(stamp: str, subsecond: str, offset: str) -> str | None:
    """Turn "2024:05:31 12:30:01", "25" and "+02:00" into ISO 8601; None when it is no date."""
    try:
        moment = datetime.strptime(stamp, "%Y:%m:%d %H:%M:%S").isoformat()
    except ValueError:
        return None
    if subsecond.isascii() and subsecond.isdigit():
        moment += f".{subsecond[:6]}"
    if len(offset) == 6 and offset[0] in "+-" and offset[3] == ":" and (offset[1:3] + offset[4:]).isdigit():
        moment += offset
    return moment
