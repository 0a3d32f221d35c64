"""Searching by words, with a small text-image pair made here."""

import json

import numpy as np
import pytest
from PIL import Image

from foveal import Gallery
from foveal.backbones.hub import fetch_files
from foveal.backbones.text_pair import open_text_pair
from foveal.cli.main import main
from foveal.core.errors import InputError, ModelError
from foveal.workflows.finding.gallery import GalleryChoices
from tests.tiny_pair import write_pair

COLORS = {"apple": (200, 30, 40), "lime": (60, 190, 40), "plum": (50, 40, 200)}


@pytest.fixture
def pair(tmp_path):
    return write_pair(tmp_path / "pair")


@pytest.fixture
def gallery(pair, tmp_path):
    with Gallery(tmp_path / "g", GalleryChoices(text=str(pair))) as made:
        for item, color in COLORS.items():
            made.add(item, np.full((64, 64, 3), color, np.uint8), price=1)
        made.learn()
        yield made


@pytest.mark.parametrize(
    ("words", "item"), [("red", "apple"), ("a thing that is GREEN", "lime"), ("blue thing", "plum")]
)
def test_words_find_pictures(gallery, words, item):
    found = gallery.find_text(words, k=2)
    assert found.best.item == item and found.best.probability is None
    assert found.hits[0].similarity > 0.9 > found.hits[1].similarity


def test_pictures_find_pictures_and_filters_hold(gallery):
    assert gallery.find(np.full((40, 40, 3), (220, 10, 10), np.uint8)).best.item == "apple"
    assert not gallery.find_text("red", where="price > 1").hits


def test_what_is_no_word_is_refused(gallery, tmp_path):
    with pytest.raises(InputError, match="words"):
        gallery.find_text("  ")
    with Gallery(tmp_path / "plain") as plain, pytest.raises(InputError, match="without a text-image pair"):
        plain.find_text("red")


def test_by_command(gallery, pair, tmp_path, capsys):
    gallery.close()
    Image.new("RGB", (50, 50), (30, 60, 210)).save(tmp_path / "sky.png")
    (tmp_path / "list.csv").write_text("path,item\nsky.png,sky\n")
    assert main(["index", str(tmp_path / "list.csv"), "--into", str(tmp_path / "h"), "--text", str(pair)]) == 0
    capsys.readouterr()
    assert main(["find", "--text", "blue", "--in", str(tmp_path / "h"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answers"][0]["hits"][0]["item"] == "sky"
    assert main(["find", "--text", "blue", "x.jpg", "--in", str(tmp_path / "h")]) == 3


@pytest.mark.parametrize("part", ["image.onnx", "text.onnx", "tokenizer.json"])
def test_files_that_are_not_what_the_card_says_are_refused(pair, part):
    file = pair.parent / part
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(ModelError, match=part):
        open_text_pair(str(pair))


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"files": {}}, {"mean": None}, {"license_code": ...}])
def test_cards_that_do_not_fit_are_refused(pair, change):
    card = json.loads(pair.read_text())
    for key, value in change.items():
        if value is ...:
            del card[key]
        else:
            card[key] = value
    pair.write_text(json.dumps(card))
    with pytest.raises(ModelError):
        open_text_pair(str(pair))


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_what_is_no_card_is_refused(pair, text):
    pair.write_text(text)
    with pytest.raises(ModelError):
        open_text_pair(str(pair))


def test_a_pair_can_come_from_a_hub(pair):
    """The hub's own library is given the names; here a folder stands for the hub."""
    asked = []

    def fetch(repository, file, revision):
        asked.append((repository, file, revision))
        return str(pair.parent / file.rpartition("/")[2])

    from foveal.backbones.text_pair import _list_files

    assert fetch_files("me/models/clip/tiny.pair.json@v1", _list_files, fetch) == pair
    assert asked == [
        ("me/models", f"clip/{name}", "v1") for name in ("tiny.pair.json", "image.onnx", "text.onnx", "tokenizer.json")
    ]
