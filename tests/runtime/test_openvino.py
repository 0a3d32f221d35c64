"""The OpenVINO runtime agrees with ONNX Runtime; make test-openvino runs this."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("openvino", reason="OpenVINO is not installed; make test-openvino runs this")

from foveal.backbones.catalog import Options, open_backbone
from foveal.core.errors import InputError
from foveal.core.image import Image

IMAGES = [Image(np.random.default_rng(s).integers(0, 255, (100, 90, 3), np.uint8), str(s)) for s in range(8)]


@pytest.mark.parametrize(("precision", "least"), [("fp32", 0.99999), ("bf16", 0.99)])
def test_agrees_with_onnx_runtime(precision, least):
    reference = open_backbone(options=Options(size=96))
    try:
        backbone = open_backbone(options=Options(size=96, runtime="openvino", precision=precision))
    except InputError as problem:
        pytest.skip(str(problem))
    assert backbone.id != reference.id
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(backbone.pool, IMAGES))
    for mine, image in zip(found, IMAGES, strict=True):
        theirs = reference.pool(image)
        assert mine @ theirs / np.linalg.norm(mine) / np.linalg.norm(theirs) >= least
        np.testing.assert_array_equal(mine, backbone.pool(image))


def test_unknown_precision_is_refused():
    with pytest.raises(InputError, match="fp32 or bf16"):
        open_backbone(options=Options(size=96, runtime="openvino", precision="fp8"))
