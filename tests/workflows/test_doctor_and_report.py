"""The doctor finds what was planted; evaluation and the report tell it."""

import re
import shutil

import pytest
from tests.pictures import SHAPES, draw_shape, make_folder

from foveal.workflows.doctoring import examine
from foveal.workflows.evaluating import evaluate
from foveal.workflows.reporting import write_report
from foveal.workflows.teaching import Choices, teach_workspace


@pytest.fixture(scope="module")
def sick(tmp_path_factory):
    """Pictures with every fault the doctor knows."""
    root = make_folder(tmp_path_factory.mktemp("sick") / "photos", each=14)
    shutil.copy(root / "disc" / "disc 1.png", root / "disc" / "copy.png")
    shutil.copy(root / "disc" / "disc 2.png", root / "square" / "stray.png")
    draw_shape("square", 31).resize((20, 20)).save(root / "square" / "tiny.png")
    (root / "square" / "bad.jpg").write_text("no picture")
    return root


def kinds(diagnosis):
    return {finding.kind: finding for finding in diagnosis.findings}


def test_every_planted_fault_is_found(sick):
    found = kinds(examine(sick))
    assert "bad.jpg" in found["unreadable"].names[0]
    assert any("copy.png" in name or "disc 1" in name for name in found["exact copies"].names)
    assert "stray.png" in found["copies with different labels"].names[0]
    assert found["tiny"].names == ("square/tiny.png",)


def test_a_class_told_by_its_size_is_found(tmp_path):
    lines = ["path,label,group"]
    for shape in SHAPES:
        for number in range(14):
            side = (128, 80) if shape == "stripes" else (96, 96)
            name = f"{shape} {number}.png"
            draw_shape(shape, number).resize(side).save(tmp_path / name)
            lines.append(f"{name},{shape},{shape} {number}")
    (tmp_path / "table.csv").write_text("\n".join(lines), "utf-8")
    told = [f.message for f in examine(tmp_path / "table.csv").findings if f.kind == "shortcut"]
    assert any("size in pixels" in message for message in told)
    assert not any("camera" in message for message in told)


def test_a_healthy_folder_is_left_alone(photos):
    severities = {finding.severity for finding in examine(photos).findings}
    assert severities <= {"note"}


def test_copies_between_splits_are_found(tmp_path, photos):
    for split in ("train", "test"):
        shutil.copytree(photos, tmp_path / "set" / split)
    found = kinds(examine(tmp_path / "set"))
    assert found["copies between splits"].measure == 36


def test_evaluation_and_report(tmp_path):
    make_folder(tmp_path / "set" / "train", each=16)
    make_folder(tmp_path / "set" / "test", each=6, start=100)
    teach_workspace(tmp_path / "set", tmp_path / "w", Choices(view="whole", bursts=False))
    evaluated = evaluate(tmp_path / "w")
    assert (evaluated.test.n, evaluated.left_out.n) == (18, 48)
    assert evaluated.headline.accuracy > 0.8
    low, high = evaluated.headline.accuracy_interval
    assert low <= evaluated.headline.accuracy <= high
    assert evaluated.headline.confusion.sum() == 18
    page = write_report(tmp_path / "w", evaluated, tmp_path / "out" / "report.html").read_text("utf-8")
    assert "Of 100 new pictures" in page
    assert not re.search(r"(src|href)=\"(?!data:|#)", page), "the page must not need anything beside it"
    elsewhere = evaluate(tmp_path / "w", tmp_path / "set" / "test")
    assert elsewhere.test.accuracy == evaluated.test.accuracy


def test_copies_in_a_folder_of_test_pictures_count_once(tmp_path):
    make_folder(tmp_path / "taught", each=12)
    teach_workspace(tmp_path / "taught", tmp_path / "w", Choices(view="whole", bursts=False))
    test = make_folder(tmp_path / "test", each=6, start=100)
    for picture in sorted(test.rglob("*.png")):
        shutil.copy(picture, picture.with_name(f"again {picture.name}"))
    found = evaluate(tmp_path / "w", test).test
    assert (found.n, found.n_groups) == (36, 18)
