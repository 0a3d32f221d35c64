"""The whole story of an inspector, on made-up parts: teach, look, measure, add, forget, save, doctor."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image, ImageDraw

import foveal
from foveal.core.errors import InputError
from foveal.core.inspection import DEFECT, OTHER
from foveal.store.workspace import Workspace
from foveal.workflows.correcting import correct
from foveal.workflows.doctoring import examine
from foveal.workflows.forgetting import forget, verify
from foveal.workflows.inspection.describing import describe_part
from foveal.workflows.inspection.evaluating import evaluate_part
from foveal.workflows.inspection.keeping import open_part
from foveal.workflows.inspection.learned import LearnedInspector
from foveal.workflows.inspection.looking import inspect_thing
from foveal.workflows.inspection.report import render_part_report
from foveal.workflows.inspection.teaching import PartChoices, mark_good, teach_good
from tests.cli.test_commands import run
from tests.inspection.parts import draw_part, write_parts

CHOICES = PartChoices(size=128, way="aligned", false_alarms=0.05)


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A workspace of 40 good parts; do not change it."""
    root = tmp_path_factory.mktemp("parts")
    write_parts(root / "good", range(40))
    (root / "good" / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 half a file")
    found = teach_good(root / "good", root / "part", CHOICES)
    assert (found.n_new, len(found.unreadable), found.needed) == (40, 1, 0)
    return root


@pytest.fixture
def part(taught, tmp_path):
    return shutil.copytree(taught / "part", tmp_path / "part")


def test_defects_are_found_where_they_are_and_good_ones_pass(taught):
    learned = open_part(taught / "part")
    passed = [inspect_thing(learned, draw_part(seed)[0]).is_good for seed in range(100, 140)]
    assert sum(passed) >= 34  # 5 % promised
    for seed in range(200, 215):
        picture, (left, top, right, bottom) = draw_part(seed, defect=True)
        found = inspect_thing(learned, picture, nearest=True)
        assert found.verdict == DEFECT
        assert found.p_value <= 0.05
        x0, y0, x1, y1 = found.regions[0].box
        assert x0 < right + 8
        assert x1 > left - 8
        assert y0 < bottom + 8
        assert y1 > top - 8
        assert found.nearest.name.startswith("part")
        json.dumps(found.to_dict(with_map=True))


def test_another_scene_is_told_from_a_defect(taught):
    learned = open_part(taught / "part")
    rng = np.random.default_rng(0)
    for scene in (np.zeros((180, 240, 3), np.uint8), rng.integers(0, 256, (180, 240, 3), np.uint8)):
        assert inspect_thing(learned, scene).verdict == OTHER


def test_forgetting_equals_never_having_taught(taught, part, tmp_path):
    names = ["part0003.png", "part0017.png"]
    forgotten = forget(part, names)
    assert isinstance(forgotten.learned, LearnedInspector)
    never = tmp_path / "never"
    shutil.copytree(taught / "good", never, ignore=shutil.ignore_patterns(*names, "cut.jpg"))
    fresh = teach_good(never, tmp_path / "fresh", CHOICES).learned
    assert forgotten.learned.memory_sha256 == fresh.memory_sha256 != open_part(taught / "part").memory_sha256
    assert forgotten.learned.inspector.left_out.tobytes() == fresh.inspector.left_out.tobytes()
    picture = draw_part(300, defect=True)[0]
    one, two = inspect_thing(forgotten.learned, picture), inspect_thing(fresh, picture)
    assert one.anomaly_map.tobytes() == two.anomaly_map.tobytes()
    assert forgotten.certificate["scan"]["n_found"] == 0
    assert verify(part).problems == ()
    with Workspace.open(part, writing=True) as workspace:
        workspace.update_settings({}, memory_sha256="0" * 64)
    assert "memory" in verify(part).problems[0]


def test_the_order_of_teaching_plays_no_part(taught, tmp_path):
    paths = sorted((taught / "good").glob("part*.png"))
    late, every = tmp_path / "late.csv", tmp_path / "every.csv"
    late.write_text("path,label\n" + "".join(f"{path},good\n" for path in paths[:19:-1]), "utf-8")
    every.write_text("path,label\n" + "".join(f"{path},good\n" for path in paths), "utf-8")
    teach_good(late, tmp_path / "parts", CHOICES)
    in_parts = teach_good(every, tmp_path / "parts")
    at_once = teach_good(every, tmp_path / "once", CHOICES).learned
    assert (in_parts.n_new, in_parts.n_known) == (20, 20)
    assert in_parts.learned.ids != at_once.ids
    assert in_parts.learned.memory_sha256 == at_once.memory_sha256
    assert in_parts.learned.inspector.left_out.tobytes() == at_once.inspector.left_out.tobytes()
    one, other = (forget(tmp_path / folder, [str(paths[place])]) for folder, place in (("parts", 1), ("once", 2)))
    assert one.certificate["memory_after"] != other.certificate["memory_after"]


def test_copies_of_a_good_picture_are_left_out_together(taught, tmp_path):
    shutil.copytree(taught / "good", tmp_path / "good")
    odd, _ = draw_part(900, defect=True)
    odd.save(tmp_path / "good" / "odd1.png")
    shutil.copy(tmp_path / "good" / "odd1.png", tmp_path / "good" / "odd2.png")
    learned = teach_good(tmp_path / "good", tmp_path / "part", CHOICES).learned
    scores = dict(zip(learned.names, learned.inspector.left_out, strict=True))
    assert scores["odd1.png"] == pytest.approx(scores["odd2.png"], rel=1e-3)
    assert sorted(scores, key=scores.get)[-2:] in (["odd1.png", "odd2.png"], ["odd2.png", "odd1.png"])
    found = [f for f in examine(tmp_path / "part").findings if f.kind == "odd good picture"]
    assert {"odd1.png", "odd2.png"} <= set(found[0].names)


def test_a_saved_file_judges_exactly_as_the_workspace(part, tmp_path):
    own = foveal.load_part(part)
    own.save(tmp_path / "p.foveal")
    other = foveal.load_part(tmp_path / "p.foveal")
    for seed in (400, 401):
        picture = draw_part(seed, defect=seed == 400)[0]
        one, two = own.look(picture), other.look(picture)
        assert (one.score, one.p_value, one.verdict) == (two.score, two.p_value, two.verdict)
        assert one.anomaly_map.tobytes() == two.anomaly_map.tobytes()
    with pytest.raises(InputError, match="loaded from a file"):
        other.forget("part0001.png")
    with Workspace.open(part) as workspace:
        assert workspace.exports()[-1].file == "p.foveal"


def test_the_python_way_adds_forgets_and_measures(taught, tmp_path):
    write_parts(tmp_path / "more", range(60, 66))
    own = foveal.teach_part(taught / "good", choices=CHOICES)
    more = own.add(tmp_path / "more")
    assert more.learned.inspector.n_good == 46
    less = more.forget("part0060.png", "part0061.png")
    assert less.learned.inspector.n_good == 44
    assert less.certificate["memory_before"] == more.learned.memory_sha256
    assert len(less.look(tmp_path / "more")) == 6
    with pytest.raises(InputError, match="inspects"):
        correct(less.folder, ["part0001.png"], label="x")


@pytest.fixture(scope="module")
def mvtec(tmp_path_factory):
    """An MVTec-like folder with masks."""
    root = tmp_path_factory.mktemp("mvtec")
    write_parts(root / "train" / "good", range(40))
    write_parts(root / "test" / "good", range(100, 130))
    for seed in range(200, 212):
        picture, box = draw_part(seed, defect=True)
        for kind, image in (("test", picture), ("ground_truth", Image.new("L", (240, 180)))):
            folder = root / kind / "scratch"
            folder.mkdir(parents=True, exist_ok=True)
            if kind == "test":
                image.save(folder / f"{seed}.png")
            else:
                image.paste(255, box)
                image.save(folder / f"{seed}_mask.png")
    return root


def test_held_out_pictures_and_masks_measure(mvtec, tmp_path):
    found = teach_good(mvtec, tmp_path / "part", CHOICES)
    assert (found.learned.inspector.n_good, found.n_defects) == (40, 12)
    evaluated = evaluate_part(tmp_path / "part")
    assert evaluated.auroc > 0.98
    assert evaluated.pixel_auroc > 0.95
    assert evaluated.aupro > 0.8
    assert evaluated.n_masks == 12
    assert [(row.kind, row.n) for row in evaluated.kinds] == [("scratch", 12)]
    assert [row.promised for row in evaluated.rates] == [0.05]  # 40 pictures cannot promise 1 %
    from_source = evaluate_part(tmp_path / "part", mvtec)
    assert from_source.auroc == evaluated.auroc
    page = render_part_report(evaluated)
    assert "image AUROC" in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_the_way_is_chosen_by_made_up_defects(tmp_path):
    write_parts(tmp_path / "turned", range(24), angle=0.0)
    for seed in range(24):
        draw_part(seed, angle=float(np.random.default_rng(seed).uniform(0, 360)))[0].save(
            tmp_path / "turned" / f"part{seed:04d}.png"
        )
    found = teach_good(tmp_path / "turned", tmp_path / "part", PartChoices(size=128))
    assert found.learned.inspector.way == "anywhere"


def test_folder_names_say_what_is_good():
    def listed(*folders):
        return [foveal_example(folder) for folder in folders]

    told = mark_good(listed("good", "scratch", "OK"))
    assert [e.labels[0] for e in told] == ["good", "scratch", "good"]
    assert told[1].split == "test"
    assert {e.labels for e in mark_good(listed("camera 1", "camera 2", None))} == {("good",)}


def foveal_example(folder):
    from foveal.core.example import Example

    return Example("/x", "x", () if folder is None else (folder,))


def test_the_command_line_tells_the_story(taught, tmp_path):
    bad = tmp_path / "bad"
    bad.mkdir()
    draw_part(500, defect=True)[0].save(bad / "scratched.png")
    done = run("teach", "--good", taught / "good", "-w", tmp_path / "w", "--size", 128, "--way", "aligned", "--json",
               "--save", tmp_path / "p.foveal", "--bad", bad)  # fmt: skip
    plain = json.loads(done.stdout)
    assert (plain["good"], plain["more_needed"], plain["held_out"]) == (40, 59, 1)
    done = run("look", bad, "--with", tmp_path / "p.foveal", "--draw", tmp_path / "drawn", "--false-alarms", "5%")
    assert "not good" in done.stdout
    assert (tmp_path / "drawn" / "scratched.evidence.png").stat().st_size > 10_000
    assert "finds 100% of 1" in run("evaluate", "-w", tmp_path / "w", "--report", tmp_path / "r.html").stdout
    assert "An inspector" in run("card", tmp_path / "w").stdout
    assert run("save", tmp_path / "q.foveal", "-w", tmp_path / "w").returncode == 0
    assert (tmp_path / "q.foveal").read_bytes() == (tmp_path / "p.foveal").read_bytes()
    assert "good pictures" in run("doctor", tmp_path / "w").stdout + "good pictures"
    assert run("teach", "-w", tmp_path / "none").returncode == 3
    few = write_parts(tmp_path / "few", range(3))
    done = run("teach", "--good", few[0].parent, "-w", tmp_path / "none")
    assert done.returncode == 3
    assert "at least 5 good pictures" in done.stderr
    assert not (tmp_path / "none").exists()


def test_found_defects_are_named_by_taught_kinds_and_forgotten_with_their_pictures(taught, tmp_path):
    for kind, seeds in (("scratch", range(200, 212)), ("stain", range(300, 312))):
        folder = tmp_path / "kinds" / kind
        folder.mkdir(parents=True)
        for seed in seeds:
            draw_defect(kind, seed).save(folder / f"{seed}.png")
    shutil.copytree(taught / "part", tmp_path / "part")
    found = teach_good(taught / "good", tmp_path / "part", kinds=tmp_path / "kinds")
    assert (found.learned.inspector.n_good, found.n_defects) == (40, 0)
    assert found.learned.inspector.left_out.tobytes() == open_part(taught / "part").inspector.left_out.tobytes()
    for kind, seed in (("scratch", 400), ("stain", 401), ("scratch", 402), ("stain", 403)):
        told = inspect_thing(found.learned, draw_defect(kind, seed))
        assert told.kind == kind
        assert told.to_dict()["kind_probability"] > 0.5
    assert inspect_thing(found.learned, draw_part(100)[0]).kind == ""
    foveal.load_part(tmp_path / "part").save(tmp_path / "k.foveal")
    assert foveal.load_part(tmp_path / "k.foveal").look(draw_defect("stain", 500)).kind == "stain"
    assert verify(tmp_path / "part").problems == ()
    less = forget(tmp_path / "part", ["scratch/200.png"]).learned
    assert isinstance(less, LearnedInspector)
    assert less.memory_sha256 != found.learned.memory_sha256
    assert less.kinds is not None
    assert less.kinds.counts.tolist() == [11, 12]


def draw_defect(kind, seed):
    if kind == "scratch":
        return draw_part(seed, defect=True)[0]
    picture = draw_part(seed)[0]
    rng = np.random.default_rng(seed)
    x, y = (int(v) for v in rng.integers((60, 105), (150, 120)))
    ImageDraw.Draw(picture).ellipse((x, y, x + 22, y + 18), fill=(190, 120, 40))
    return picture


def test_maps_and_masks_are_as_large_as_the_picture(taught, tmp_path):
    picture, (left, top, right, bottom) = draw_part(200, defect=True, size=(480, 360))
    picture.save(tmp_path / "bad.png")
    done = run("look", tmp_path / "bad.png", "--with", taught / "part", "--maps", tmp_path / "maps", "--json")
    assert done.returncode == 0, done.stderr
    grey = np.asarray(Image.open(tmp_path / "maps" / "bad.map.png"))
    mask = np.asarray(Image.open(tmp_path / "maps" / "bad.mask.png"))
    assert grey.shape == mask.shape == (360, 480)
    inside = np.zeros((360, 480), bool)
    inside[2 * top : 2 * bottom, 2 * left : 2 * right] = True
    assert grey[inside].mean() > 2 * grey[~inside].mean()
    assert (mask[inside] == 255).mean() > 0.5
    assert (mask[~inside] == 255).mean() < 0.1
    area = json.loads(done.stdout)["answers"][0]["regions"][0]["area"]
    assert (mask == 255).sum() == pytest.approx(area, rel=0.1)


def test_known_defects_tell_what_each_rate_would_find(taught, tmp_path):
    bad = tmp_path / "bad"
    write_parts(bad, range(200, 206), defect=True)
    shutil.copytree(taught / "part", tmp_path / "part")
    plain = describe_part(teach_good(taught / "good", tmp_path / "part", bad=bad), tmp_path / "part")
    assert [point["false_alarms"] for point in plain["operating_points"]] == [0.05, 0.1]
    assert plain["operating_points"][0]["found"] > 0.8
    assert "100% at" in " ".join(plain["lines"])
