"""Medical pictures (DICOM), read with pydicom: the extra foveal[medical]."""

import struct
import zlib
from io import BytesIO
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from foveal.core.errors import DecodeError, InputError, MissingExtraError
from foveal.core.image import Capture, Image
from foveal.imaging.depth import scale_to_8_bits
from foveal.imaging.file_checks import DAMAGED, LIMITS, Limits, check_pixels, damaged, hash_frame
from foveal.imaging.quiet import without_library_warnings

_PIXEL_TAGS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_DEFLATED = b"1.2.840.10008.1.2.1.99"


def decode_dicom(data: bytes, origin: str, *, frame: int = 0, limits: Limits = LIMITS) -> tuple[Image, Capture]:
    """Decode one frame, counted from 0, of a DICOM file.

    Grey pictures go through rescale slope and intercept, then the window or lookup table the file
    names first; without one, 8-bit samples stay as they are and others span their minimum to maximum,
    padding left out. MONOCHROME1 is inverted, palettes and YBR become RGB. Of the patient only
    PatientID is kept, as `Capture.group`; dates and names are not.

    Raises DecodeError naming `origin`, MissingExtraError without pydicom.
    """
    pydicom = _pydicom()
    with without_library_warnings():
        try:
            with np.errstate(all="ignore"):
                dataset = _read(pydicom, data, origin, limits)
                _check(dataset, origin, frame, limits)
                pixels = _to_pixels(dataset, frame)
                capture = _describe(dataset, data, pixels.shape, frame)
        except DecodeError:
            raise
        except _damaged_by(pydicom) as problem:
            raise damaged(origin, "DICOM", problem) from None
    return Image(pixels, origin), capture


def count_dicom_frames(data: bytes, origin: str, *, limits: Limits = LIMITS) -> int:
    """Count the frames of a DICOM file without decoding them; raises DecodeError naming `origin`."""
    pydicom = _pydicom()
    with without_library_warnings():
        try:
            return _n_frames(_read(pydicom, data, origin, limits))
        except _damaged_by(pydicom) as problem:
            raise damaged(origin, "DICOM", problem) from None


def _pydicom() -> ModuleType:
    try:
        import pydicom
        import pydicom.errors
        import pydicom.pixels
    except ImportError:
        raise MissingExtraError("Reading DICOM files", "medical") from None
    module: ModuleType = pydicom
    return module


def _damaged_by(pydicom: ModuleType) -> tuple[type[Exception], ...]:
    """What reading a damaged file may raise; pydicom's own two errors have no useful base."""
    return (*DAMAGED, InputError, pydicom.errors.InvalidDicomError, pydicom.errors.BytesLengthException)


def _read(pydicom: ModuleType, data: bytes, origin: str, limits: Limits) -> Any:
    if _DEFLATED in data[:1024]:
        _check_inflated(data, origin, limits)
    return pydicom.dcmread(BytesIO(data))


def _check_inflated(data: bytes, origin: str, limits: Limits) -> None:
    """Refuse a deflated data set that would grow beyond the limit on bytes."""
    (length,) = struct.unpack_from("<I", data, 140)  # of the header, told by its first element
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflater.decompress(data[144 + length :], limits.max_bytes)
    if inflater.unconsumed_tail:
        raise DecodeError(
            f"{origin}: expected at most {limits.max_bytes:,} bytes when inflated, got more. "
            "Raise Limits.max_bytes if you trust the file."
        )


def _n_frames(dataset: Any) -> int:
    return int(dataset.get("NumberOfFrames") or 1)


def _check(dataset: Any, origin: str, frame: int, limits: Limits) -> None:
    """Refuse what has no pixels, too many, not that frame, or a compression nothing here can undo."""
    from pydicom.pixels.decoders.base import get_decoder

    if not any(tag in dataset for tag in _PIXEL_TAGS):
        kind = dataset.get("Modality") or "unknown"
        raise DecodeError(f"{origin}: expected a DICOM picture, got one without pixels (modality {kind}). Remove it.")
    check_pixels(int(dataset.Columns), int(dataset.Rows), origin, limits)
    if frame >= _n_frames(dataset):
        raise DecodeError(
            f"{origin}: expected a frame from 0 to {_n_frames(dataset) - 1}, got {frame}. Ask for one it has."
        )
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_compressed and syntax.is_encapsulated:
        decoder = get_decoder(syntax)
        if not decoder.is_available:
            choices = "; or ".join(decoder.missing_dependencies)
            raise DecodeError(
                f"{origin}: expected a compression that can be undone here, got {syntax.name}. "
                f"Install a pydicom plug-in for it: {choices}."
            )


def _to_pixels(dataset: Any, frame: int) -> npt.NDArray[np.uint8]:
    from pydicom.pixels.processing import apply_color_lut
    from pydicom.pixels.utils import pixel_array
    from pydicom.uid import RLELossless

    # Of the plug-ins for RLE, only pydicom's own raises an ordinary error on damaged bytes.
    plugin = "pydicom" if dataset.file_meta.TransferSyntaxUID == RLELossless else ""
    samples = pixel_array(dataset, index=frame, decoding_plugin=plugin)
    kind = str(dataset.PhotometricInterpretation)
    if kind == "PALETTE COLOR":
        colors = apply_color_lut(samples, dataset)[..., :3]
        colors = colors >> (8 * (colors.dtype.itemsize - 1))
    elif samples.ndim == 3:
        colors = samples >> max(0, int(dataset.BitsStored) - 8)
    else:
        grey = _to_grey(samples, dataset)
        colors = (255 - grey if kind == "MONOCHROME1" else grey)[..., None]
    pixels = np.array(np.broadcast_to(colors, (*colors.shape[:2], 3)), np.uint8, order="C")
    pixels.flags.writeable = False
    return pixels


def _to_grey(samples: npt.NDArray[Any], dataset: Any) -> npt.NDArray[np.uint8]:
    from pydicom.pixels.processing import apply_modality_lut

    values = np.asarray(apply_modality_lut(samples, dataset))
    windowed = _window(values, dataset)
    if windowed is not None:
        return windowed
    if samples.dtype == np.uint8 and int(dataset.BitsStored) == 8 and np.array_equal(values, samples):
        return samples
    known = np.isfinite(values)
    padding = dataset.get("PixelPaddingValue")
    if isinstance(padding, int):
        known &= samples != padding
    if not known.any():
        return np.zeros(values.shape, np.uint8)
    return _stretch(values, float(values[known].min()), float(values[known].max()))


def _window(values: npt.NDArray[Any], dataset: Any) -> npt.NDArray[np.uint8] | None:
    """Apply the first window or lookup table; None where the file has none that makes sense."""
    from pydicom.pixels.processing import apply_voi_lut

    if "VOILUTSequence" not in dataset and "WindowCenter" not in dataset:
        return None
    try:
        shown = np.asarray(apply_voi_lut(values, dataset, index=0), np.float64)
        # Values far outside come out as the two ends of the range that is shown.
        far = np.array([-(2**31), 2**31], np.float64 if values.dtype.kind == "f" else np.int64)
        low, high = np.sort(np.asarray(apply_voi_lut(far, dataset, index=0), np.float64))
    except (ValueError, TypeError, LookupError, AttributeError, NotImplementedError):
        return None
    return _stretch(shown, float(low), float(high))


def _stretch(values: npt.NDArray[Any], low: float, high: float) -> npt.NDArray[np.uint8]:
    """Map low..high to 0..255, clipping what lies outside."""
    if not high > low:
        return np.zeros(values.shape, np.uint8)
    share = np.clip((np.asarray(values, np.float64) - low) / (high - low), 0.0, 1.0)
    return scale_to_8_bits(np.nan_to_num(share))


def _describe(dataset: Any, data: bytes, shape: tuple[int, ...], frame: int) -> Capture:
    return Capture(
        sha256=hash_frame(data, frame),
        n_bytes=len(data),
        format="DICOM",
        width=shape[1],
        height=shape[0],
        device=" ".join(filter(None, (_text(dataset, "Manufacturer"), _text(dataset, "ManufacturerModelName"))))
        or None,
        group=_text(dataset, "PatientID") or None,
    )


def _text(dataset: Any, tag: str) -> str:
    return str(dataset.get(tag) or "").strip()
