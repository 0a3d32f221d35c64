"""DICOM pictures: depth, windows, palettes, frames, what is kept and what is refused."""

import struct
import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="the extra foveal[medical] is not installed")

from pydicom.dataset import Dataset, FileMetaDataset  # noqa: E402
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless  # noqa: E402

from foveal.core.errors import DecodeError  # noqa: E402
from foveal.imaging.decode import count_frames, decode, read  # noqa: E402
from foveal.imaging.file_checks import Limits  # noqa: E402

SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"


def make(samples, *, kind="MONOCHROME2", stored=None, n_frames=1, **tags):
    """Bytes of an uncompressed file; samples (rows, columns[, 3]) or with frames in front."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    samples = np.asarray(samples)
    shape = samples.shape[1:] if n_frames > 1 else samples.shape
    dataset.Rows, dataset.Columns = shape[:2]
    dataset.SamplesPerPixel = shape[2] if len(shape) == 3 else 1
    dataset.PhotometricInterpretation = kind
    bits = samples.dtype.itemsize * 8
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, stored or bits, (stored or bits) - 1
    dataset.PixelRepresentation = int(samples.dtype.kind == "i")
    if dataset.SamplesPerPixel == 3:
        dataset.PlanarConfiguration = 0
    if n_frames > 1:
        dataset.NumberOfFrames = n_frames
    for name, value in tags.items():
        setattr(dataset, name, value)
    dataset["PixelData"] = pydicom.DataElement(0x7FE00010, "OW" if bits > 8 else "OB", samples.tobytes())
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


RAMP = np.linspace(0, 4095, 256).round().astype(np.uint16).reshape(16, 16)


def grey_of(data, **options):
    pixels = decode(data, "scan.dcm", **options)[0].pixels
    assert (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all()
    return pixels[..., 0].astype(int)


def test_rescale_then_window():
    data = make(RAMP, stored=12, RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=500, WindowWidth=1000)
    values = RAMP * 2.0 - 1000
    # DICOM PS3.3 C.11.2.1.2, linear
    expected = (((values - 499.5) / 999 + 0.5) * 255).clip(0, 255)
    assert np.abs(grey_of(data) - expected).max() <= 1
    without = make(RAMP, stored=12, WindowCenter=500, WindowWidth=1000)
    assert np.abs(grey_of(without) - expected).max() > 50  # the check sees a forgotten rescale


def test_the_first_of_several_windows_counts():
    one = grey_of(make(RAMP, stored=12, WindowCenter=500, WindowWidth=600))
    several = grey_of(make(RAMP, stored=12, WindowCenter=[500, 3000], WindowWidth=[600, 100]))
    np.testing.assert_array_equal(one, several)


def test_without_a_window_the_range_is_spanned_and_padding_left_out():
    samples = RAMP.astype(np.int16) // 2 + 300
    samples[0, :4] = -2000
    grey = grey_of(make(samples, stored=16, PixelPaddingValue=-2000))
    assert grey[0, :4].tolist() == [0] * 4
    assert np.ptp(grey[1:]) > 220
    assert np.ptp(grey_of(make(samples, stored=16))[1:]) < 150  # counting the padding would be seen


def test_a_window_of_no_width_is_passed_over():
    assert np.ptp(grey_of(make(RAMP, stored=12, WindowCenter=100, WindowWidth=0))) == 255


def test_8_bit_samples_stay_as_they_are():
    samples = np.arange(40, 140, dtype=np.uint8).reshape(10, 10)
    np.testing.assert_array_equal(grey_of(make(samples)), samples)
    same = make(samples, RescaleSlope=1, RescaleIntercept=0)
    np.testing.assert_array_equal(grey_of(same), samples)


def test_monochrome1_is_inverted():
    samples = np.arange(40, 140, dtype=np.uint8).reshape(10, 10)
    np.testing.assert_array_equal(grey_of(make(samples, kind="MONOCHROME1")), 255 - samples)


def test_rgb_and_deep_rgb():
    colors = np.random.default_rng(0).integers(0, 256, (6, 5, 3)).astype(np.uint8)
    for samples in (colors, colors.astype(np.uint16) * 256 + 9):
        image, _ = decode(make(samples, kind="RGB"), "scan.dcm")
        np.testing.assert_array_equal(image.pixels, colors)


def test_frames(tmp_path):
    samples = np.stack([np.full((4, 6), level, np.uint8) for level in (10, 20, 30)])
    path = tmp_path / "several.dcm"
    path.write_bytes(make(samples, n_frames=3))
    assert count_frames(str(path)) == 3
    pictures = [read(f"{path}#{number}") for number in range(3)]
    assert [int(image.pixels.mean()) for image, _ in pictures] == [10, 20, 30]
    assert len({capture.sha256 for _, capture in pictures}) == 3
    with pytest.raises(DecodeError, match="frame from 0 to 2, got 3"):
        read(f"{path}#3")


def test_the_patient_is_the_group_and_nothing_else_of_the_person_is_kept():
    tags = {"PatientID": " P-17 ", "PatientName": "Person^A", "PatientBirthDate": "19700102", "StudyDate": "20240102"}
    _, capture = decode(make(RAMP, Manufacturer="Acme", ManufacturerModelName="CT 1", **tags), "scan.dcm")
    assert (capture.group, capture.device, capture.format) == ("P-17", "Acme CT 1", "DICOM")
    assert (capture.width, capture.height, capture.taken_at) == (16, 16, None)
    assert "Person" not in repr(capture) and "1970" not in repr(capture).replace(capture.sha256, "")
    assert decode(make(RAMP), "scan.dcm")[1].group is None


# Files that pydicom ships, with the transfer syntaxes that Pillow and numpy can undo.
@pytest.mark.parametrize(
    ("name", "shape", "mean"),
    [
        ("CT_small.dcm", (128, 128), None),
        ("MR_small_RLE.dcm", (64, 64), None),
        ("MR_small_jp2klossless.dcm", (64, 64), None),
        ("MR_small_bigendian.dcm", (64, 64), None),
        ("SC_rgb_rle_32bit.dcm", (100, 100), 128),
        ("SC_rgb_dcmtk_+eb+cy+np.dcm", (100, 100), 128),
        ("SC_ybr_full_422_uncompressed.dcm", (100, 100), 128),
        ("examples_palette.dcm", (350, 800), None),
        ("examples_ybr_color.dcm", (240, 320), None),
        ("image_dfl.dcm", (512, 512), None),
        ("liver_1frame.dcm", (512, 512), None),
        ("rtdose.dcm", (10, 10), None),
    ],
)
def test_shipped_files(name, shape, mean):
    image, _ = read(str(SHIPPED / name))
    assert image.pixels.shape == (*shape, 3)
    assert np.ptp(image.pixels) > 150
    assert mean is None or abs(image.pixels.mean() - mean) < 2


def test_compressions_without_loss_agree_with_the_plain_file():
    plain = read(str(SHIPPED / "MR_small.dcm"))[0].pixels
    for name in ("MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm"):
        np.testing.assert_array_equal(read(str(SHIPPED / name))[0].pixels, plain)


def test_a_palette_is_in_color():
    image, _ = read(str(SHIPPED / "examples_palette.dcm"))
    assert np.ptp(image.pixels.astype(int), axis=2).max() > 60


@pytest.mark.skipif(
    pydicom.pixels.get_decoder(JPEGLSLossless).is_available, reason="a plug-in for JPEG-LS is installed here"
)
def test_a_missing_plug_in_is_named():
    with pytest.raises(DecodeError, match=r"jpeg_ls_lossless\.dcm: expected .*JPEG-LS.*Install a pydicom plug-in.*"):
        read(str(SHIPPED / "MR_small_jpeg_ls_lossless.dcm"))


@pytest.mark.parametrize("name", ["test-SR.dcm", "rtplan.dcm", "waveform_ecg.dcm"])
def test_files_without_pixels(name):
    with pytest.raises(DecodeError, match=rf"{name}: expected a DICOM picture, got one without pixels \(modality"):
        read(str(SHIPPED / name))


def test_files_cut_short_and_bad_values():
    for name in ("MR_truncated.dcm", "badVR.dcm"):
        with pytest.raises(DecodeError, match=rf"{name}: expected a complete DICOM"):
            read(str(SHIPPED / name))


def test_the_limit_on_pixels_holds():
    with pytest.raises(DecodeError, match="expected at most 100 pixels, got 16 x 16"):
        decode(make(RAMP), "scan.dcm", limits=Limits(max_pixels=100))


def test_a_deflated_bomb_is_refused():
    data = (SHIPPED / "image_dfl.dcm").read_bytes()
    (length,) = struct.unpack_from("<I", data, 140)
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    zeros = deflater.compress(bytes(8_000_000)) + deflater.flush()
    with pytest.raises(DecodeError, match="expected at most 1,000,000 bytes when inflated"):
        decode(data[: 144 + length] + zeros, "bomb.dcm", limits=Limits(max_bytes=1_000_000))


def test_without_pydicom_the_pip_line_is_named():
    program = (
        "import sys; sys.modules['pydicom'] = None\n"
        "from foveal.core.errors import MissingExtraError\n"
        "from foveal.imaging.decode import decode\n"
        "try:\n    decode(bytes(128) + b'DICM', 'scan.dcm')\n"
        "except MissingExtraError as problem:\n    print(problem)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pip install 'foveal[medical]'" in done.stdout


def test_random_damage_gives_a_decode_error_or_a_picture():
    rng = np.random.default_rng(0)
    for name in ("MR_small_RLE.dcm", "SC_rgb_small_odd_jpeg.dcm", "CT_small.dcm"):
        original = (SHIPPED / name).read_bytes()
        for _ in range(60):
            data = bytearray(original)
            for spot in rng.integers(132, min(len(data), 2500), 6):
                data[spot] = rng.integers(256)
            try:
                decode(bytes(data), "odd.dcm", limits=Limits(max_pixels=2_000_000))
            except DecodeError as problem:
                assert str(problem).startswith("odd.dcm: expected")
