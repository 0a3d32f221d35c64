"""Backbones: read without PyTorch, built once, checked by hash, the same from every thread."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
from tests.tiny_network import write_network

from foveal.backbones.catalog import Options, list_backbones, open_backbone
from foveal.backbones.efficientnet_lite import VARIANTS, build_graph, load_weights
from foveal.backbones.graph_cache import cached
from foveal.backbones.hub import fetch_onnx
from foveal.backbones.preprocess import crop_view, fit_view
from foveal.core.errors import InputError, MissingExtraError, ModelError
from foveal.core.hashing import hash_file
from foveal.core.image import Image

LITE0 = VARIANTS["efficientnet-lite0"]


def test_the_graph_is_the_same_every_time_and_static():
    weights = load_weights(LITE0)
    first, second = (build_graph(weights, LITE0, 64, ("stage5", "stage7"), pooled=True) for _ in range(2))
    assert first == second
    operations = {node.op_type for node in onnx.load_model_from_string(first).graph.node}
    assert not operations & {"Shape", "Pad", "If", "Loop", "Reshape"}
    for name in ("stage9", "block4", "logits"):  # the last two go below zero, where no square root is
        with pytest.raises(ModelError, match="no feature map"):
            build_graph(weights, LITE0, 64, (name,), pooled=True)


def test_weights_of_another_hash_are_refused(tmp_path):
    wrong = type(LITE0)(**{**LITE0.__dict__, "sha256": "0" * 64})
    with pytest.raises(ModelError, match="not the file known"):
        load_weights(wrong)
    with pytest.raises(MissingExtraError, match="lite"):
        load_weights(type(LITE0)(**{**LITE0.__dict__, "package": "no_such_package"}))


@pytest.fixture(scope="module")
def backbone():
    return open_backbone(options=Options(size=96))


def draw(seed, height=90, width=120):
    return Image(np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8), f"{seed}")


def test_pooling_is_the_mean_root_of_the_maps(backbone):
    maps = backbone.feature_maps(draw(0))
    by_hand = np.concatenate([np.sqrt(m).mean(axis=(1, 2)) for m in maps])
    np.testing.assert_allclose(backbone.pool(draw(0)), by_hand, atol=1e-5)
    assert backbone.dim == len(by_hand) == 2064
    assert all((m >= 0).all() for m in maps)


def test_threads_and_neighbors_do_not_matter(backbone):
    images = [draw(seed) for seed in range(12)]
    alone = [backbone.pool(image).tobytes() for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = [pooled.tobytes() for pooled in pool.map(backbone.pool, reversed(images))][::-1]
    assert alone == together
    assert len(set(alone)) == 12


def test_ids_differ_whenever_codes_do(backbone):
    options = [Options(size=96), Options(size=96, view="whole"), Options(size=96, maps=("head",)), Options(size=64)]
    assert len({open_backbone(options=o).id for o in options}) == 4
    assert open_backbone(options=options[0]).id == backbone.id


def test_views_show_the_named_part():
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[10:30, 30:50] = 255
    image = Image(pixels, "made")
    shares = {view: (fit_view(image, 64, view) > 127).mean() for view in ("whole", "center", "close")}
    assert shares["whole"] == pytest.approx(20 * 20 / 3200, abs=0.02)
    assert shares["center"] == pytest.approx((20 / 35) ** 2, abs=0.02)
    assert shares["close"] == pytest.approx((20 / 30) ** 2, abs=0.02)
    with pytest.raises(InputError, match="whole, center, close"):
        fit_view(image, 64, "sideways")


def test_the_cache_is_built_once_and_again_when_damaged(tmp_path):
    built = []

    def build():
        built.append(1)
        return b"graph"

    assert [cached("key", build, tmp_path) for _ in range(3)] == [b"graph"] * 3
    assert len(built) == 1
    file = next(tmp_path.iterdir())
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    assert cached("key", build, tmp_path) == b"graph"
    assert len(built) == 2
    assert len(list(tmp_path.iterdir())) == 1, "nothing is left aside"
    (tmp_path / "a file").write_text("in the way")
    assert cached("key", build, tmp_path / "a file" / "below") == b"graph"


def test_a_users_own_network(tmp_path):
    path = write_network(tmp_path / "my.onnx")
    backbone = open_backbone(str(path), Options(view="whole"))
    (feature_map,) = backbone.feature_maps(draw(1))
    assert feature_map.shape == (16, 4, 4)
    assert ((feature_map[:8] == 0) | (feature_map[8:] == 0)).all(), "a feature is positive or negative, not both"
    np.testing.assert_allclose(backbone.pool(draw(1)), np.sqrt(feature_map).mean(axis=(1, 2)), atol=1e-6)
    assert backbone.card.license_weights == "MIT"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda p: p.with_suffix(".card.json").unlink(), "needs a card my.card.json"),
        (lambda p: p.with_suffix(".card.json").write_text("[]"), "one JSON object"),
        (lambda p: p.with_suffix(".card.json").write_text("{}"), "needs the fields"),
        (lambda p: p.write_bytes(p.read_bytes() + b"\0"), "not the file its card describes"),
        (lambda p: p.unlink(), "Cannot read"),
    ],
)
def test_a_users_network_that_is_not_what_it_says(tmp_path, spoil, said):
    path = write_network(tmp_path / "my.onnx")
    spoil(path)
    with pytest.raises(ModelError, match=said):
        open_backbone(str(path))


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ({"std": [128, 0, 128]}, "std not 0"),
        ({"mean": [127, 127]}, "three numbers each"),
        ({"mean": [127, "127", 127]}, "three numbers each"),
        ({"std": [float("nan"), 1, 1]}, "three numbers each"),
        ({"input_size": -32}, "input_size is a whole number"),
        ({"input_size": 32.5}, "input_size is a whole number"),
        ({"input_size": 48}, "must take one float32 image"),
    ],
)
def test_a_card_of_nonsense_values_is_refused(tmp_path, card, said):
    path = write_network(tmp_path / "my.onnx")
    plain = json.loads(path.with_suffix(".card.json").read_text())
    path.with_suffix(".card.json").write_text(json.dumps(plain | card))
    with pytest.raises(ModelError, match=said):
        open_backbone(str(path))


def test_a_users_network_with_another_scaling_has_another_id(tmp_path):
    one, other = (write_network(tmp_path / f"{m}.onnx", mean=[m, 127, 127]) for m in (127, 100))
    assert one.read_bytes() == other.read_bytes()
    assert open_backbone(str(one)).id != open_backbone(str(other)).id


def test_a_file_that_is_no_network(tmp_path):
    path = write_network(tmp_path / "my.onnx")
    path.write_bytes(b"nonsense, not a graph")
    card = json.loads(path.with_suffix(".card.json").read_text())
    path.with_suffix(".card.json").write_text(json.dumps(card | {"sha256": hash_file(path)}))
    with pytest.raises(ModelError, match="not an ONNX file|must have one input"):
        open_backbone(str(path))


def test_the_hub_brings_file_and_card(tmp_path):
    write_network(tmp_path / "net.onnx")
    asked = []

    def fetch(repository, file, revision):
        asked.append((repository, file, revision))
        return str(tmp_path / file)

    assert fetch_onnx("me/repo/net.onnx@v1", fetch) == tmp_path / "net.onnx"
    assert asked == [("me/repo", "net.onnx", "v1"), ("me/repo", "net.card.json", "v1")]

    def refuse(repository, file, revision):
        raise OSError("no network")

    with pytest.raises(ModelError, match="no network"):
        fetch_onnx("me/repo/net.onnx", refuse)
    with pytest.raises(InputError, match="A hub address is"):
        fetch_onnx("net.onnx")


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="efficientnet-lite0"):
        open_backbone("resnet")
    with pytest.raises(InputError, match="onnxruntime, openvino"):
        open_backbone(options=Options(runtime="abacus"))
    with pytest.raises(InputError, match="fp32"):
        open_backbone(options=Options(precision="int3"))
    with pytest.raises(InputError, match="Unknown view 'sideways'"):
        open_backbone(options=Options(view="sideways"))
    with pytest.raises(InputError, match="at least 32 pixels"):
        open_backbone(options=Options(size=0))
    with pytest.raises(InputError, match="No feature maps"):
        open_backbone(options=Options(maps=()))
    assert [a.card.name for a in list_backbones()] == list(VARIANTS)


@pytest.mark.parametrize(("view", "box"), [("whole", (0, 200, 0, 400)), ("center", (12, 188, 112, 288)), ("close", (25, 175, 125, 275))])  # fmt: skip
def test_crop_is_what_the_network_sees(view, box):
    pixels = np.random.default_rng(0).integers(0, 255, (200, 400, 3), np.uint8)
    top, bottom, left, right = box
    seen = crop_view(Image(pixels, "x"), view).pixels
    assert abs(seen.shape[0] - (bottom - top)) <= 1 and abs(seen.shape[1] - (right - left)) <= 1
    assert np.array_equal(seen, pixels[top : top + seen.shape[0], left : left + seen.shape[1]])
