"""Teach, look, correct, forget, save, load: the story a user lives through."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image
from tests.pictures import SHAPES, draw_shape, make_folder

import foveal
from foveal.core.errors import FovealError, InputError, IntegrityError, ModelError
from foveal.memory.codes import make_code, to_unit
from foveal.store.workspace import Workspace
from foveal.workflows.correcting import correct
from foveal.workflows.learned import sum_rows, teaching_rows
from foveal.workflows.looking import look_at_image, read_thing
from foveal.workflows.teaching import Choices, teach_workspace
from foveal.workflows.workspace_model import open_workspace_model


def test_python_story(photos, tmp_path):
    recognizer = foveal.teach(photos, view="whole")
    assert recognizer.classes == tuple(sorted(SHAPES))
    found = recognizer.look([draw_shape(shape, 77) for shape in SHAPES])
    assert [prediction.best for prediction in found] == list(SHAPES)
    path = tmp_path / "shapes.foveal"
    recognizer.save(path)
    loaded = foveal.load(path)
    again = loaded.look(draw_shape("disc", 78))
    first = recognizer.look(draw_shape("disc", 78))
    np.testing.assert_array_equal(again.probabilities, first.probabilities)
    assert [i.name for i in again.evidence.raised] == [i.name for i in first.evidence.raised]
    more = loaded.add(make_folder(tmp_path / "more", each=4, shapes=("disc",), start=50))
    assert len(more.learned.taught) == len(recognizer.learned.taught) + 4
    assert len(loaded.learned.taught) == len(recognizer.learned.taught)


def test_look_takes_paths_bytes_arrays_and_folders(taught_once, photos):
    recognizer = foveal.load(taught_once)
    path = photos / "disc" / "disc 3.png"
    with Image.open(path) as picture:
        picture.load()
    ways = [path, str(path), path.read_bytes(), picture, np.asarray(picture)]
    answers = [recognizer.look(way, evidence=False) for way in ways]
    assert len({answer.probabilities.tobytes() for answer in answers}) == 1
    assert len(recognizer.look(photos / "disc")) == 12


def test_heatmap_adds_up_and_evidence_is_there(taught_once):
    learned = open_workspace_model(taught_once)
    image, capture = read_thing(learned, draw_shape("disc", 5))
    prediction = look_at_image(learned, image, capture, evidence=True)
    readout, heatmap = learned.readout, prediction.evidence.heatmap
    column = readout.labels.index(heatmap.label)
    unit = to_unit(make_code(learned.backbone.pool(image)))
    assert heatmap.score == pytest.approx(readout.weights[column] @ unit + readout.biases[column], abs=1e-4)
    assert heatmap.contributions.shape == (28, 28)
    assert prediction.evidence.raised or prediction.evidence.lowered


def test_forgetting_gives_the_bytes_of_never_having_taught(photos, tmp_path):
    everything = tmp_path / "all"
    without = tmp_path / "without"
    shutil.copytree(photos, everything)
    shutil.copytree(photos, without)
    (without / "square" / "square 4.png").unlink()
    one = foveal.teach(everything, view="whole", workspace=tmp_path / "w1")
    never = foveal.teach(without, view="whole", workspace=tmp_path / "w2")
    forgotten = one.forget(str(everything / "square" / "square 4.png"))
    assert forgotten.learned.moments.sha256() == never.learned.moments.sha256() != one.learned.moments.sha256()
    assert forgotten.learned.readout.weights.tobytes() == never.learned.readout.weights.tobytes()
    assert forgotten.certificate["memory_after"] == never.learned.moments.sha256()
    assert forgotten.certificate["scan"]["n_found"] == 0
    with pytest.raises(InputError, match="square 4"):
        forgotten.forget(str(everything / "square" / "square 4.png"))


def test_teaching_again_reads_nothing_twice(workspace, photos):
    before = open_workspace_model(workspace)
    taught = teach_workspace(photos, workspace)
    assert (taught.n_new, taught.n_known) == (0, 36)
    assert taught.learned.readout.weights.tobytes() == before.readout.weights.tobytes()


def test_correcting_and_denying(workspace):
    learned = correct(workspace, ["disc/disc 1.png"], label="ring")
    assert "ring" in learned.readout.classes
    learned = correct(workspace, ["disc/disc 2.png"], is_not="disc")
    assert learned.readout.classes == ("disc", "ring", "square", "stripes")
    assert len(learned.readout.labels) == 5
    with Workspace.open(workspace) as kept:
        row = next(row for row in kept.rows() if row.name == "disc/disc 2.png")
        assert (row.labels, row.not_labels) == ((), ("disc",))


def test_a_stale_cache_is_fitted_again_and_a_broken_one_too(workspace):
    fresh = open_workspace_model(workspace)
    path = workspace / "model.foveal"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert open_workspace_model(workspace).readout.weights.tobytes() == fresh.readout.weights.tobytes()
    with Workspace.open(workspace, writing=True) as kept:
        number = kept.rows()[0].id
        kept.relabel([number], [["square"]])
    assert open_workspace_model(workspace).state != fresh.state


def test_a_shared_file_decides_alike_and_holds_no_names(taught_once, tmp_path):
    recognizer = foveal.load(shutil.copytree(taught_once, tmp_path / "w"))
    path = tmp_path / "shared.foveal"
    recognizer.save(path, share=True)
    data = path.read_bytes()
    assert b"disc 1.png" not in data
    shared = foveal.load(path)
    picture = draw_shape("stripes", 9)
    np.testing.assert_array_equal(shared.look(picture).probabilities, recognizer.look(picture).probabilities)
    assert shared.look(picture).evidence.raised == ()
    with pytest.raises(ModelError, match="without its memory"):
        shared.forget("disc/disc 1.png")


def test_a_tampered_or_cut_file_is_refused(taught_once, tmp_path):
    path = tmp_path / "x.foveal"
    foveal.load(shutil.copytree(taught_once, tmp_path / "w")).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(FovealError):
        foveal.load(path)
    flipped = bytearray(data)
    flipped[len(data) // 3] ^= 4
    path.write_bytes(flipped)
    with pytest.raises((IntegrityError, ModelError)):
        foveal.load(path)


def test_memory_hash_is_that_of_the_kept_codes(taught_once):
    with Workspace.open(taught_once) as kept:
        rows = teaching_rows(kept.rows(), multi_label=False)
        assert sum_rows(kept, rows).sha256() == kept.memory_sha256


def test_tags(tmp_path):
    table = tmp_path / "tags.csv"
    lines = ["path,labels"]
    for number in range(14):
        for shape in SHAPES:
            path = tmp_path / f"{shape}{number}.png"
            draw_shape(shape, number).save(path)
            lines.append(f"{path.name},{shape};{'even' if number % 2 else 'any'}")
    table.write_text("\n".join(lines), "utf-8")
    recognizer = foveal.teach(table, view="whole")
    found = recognizer.look(draw_shape("disc", 40))
    assert found.classes == ("any", "disc", "even", "square", "stripes")
    assert found.probabilities[1] > max(found.probabilities[3:])
    figures = recognizer.evaluate().headline
    assert figures.average_precision > 0.5
    assert found.evidence.heatmap.contributions.shape == (28, 28)


def test_bad_input_of_every_kind(tmp_path, photos):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no pictures"):
        foveal.teach(tmp_path / "empty")
    with pytest.raises(InputError, match="at least two classes"):
        foveal.teach(make_folder(tmp_path / "one", each=3, shapes=("disc",)))
    with pytest.raises(InputError, match="does not exist"):
        foveal.teach(tmp_path / "nowhere")
    odd = shutil.copytree(photos, tmp_path / "odd names ü")
    (odd / "disc" / "text.jpg").write_text("not a picture")
    whole = (odd / "disc" / "disc 0.png").read_bytes()
    buffer = io.BytesIO()
    draw_shape("disc", 99).save(buffer, "JPEG")
    (odd / "disc" / "cut ü.jpg").write_bytes(buffer.getvalue()[:600])
    (odd / "disc" / "again.png").write_bytes(whole)
    taught = teach_workspace(odd, tmp_path / "w", Choices(view="whole"))
    assert sorted(name for name, _ in taught.unreadable) == ["disc/cut ü.jpg", "disc/text.jpg"]
    assert taught.n_new == 37


def test_one_picture_per_class_answers(tmp_path):
    recognizer = foveal.teach(make_folder(tmp_path / "few", each=1))
    assert recognizer.look(draw_shape("disc", 0), evidence=False).best == "disc"
    with pytest.raises(InputError, match="left out"):
        recognizer.evaluate()


def test_a_class_of_one_and_one_of_many(tmp_path):
    root = make_folder(tmp_path / "uneven", each=30, shapes=("disc",))
    make_folder(root, each=1, shapes=("square",))
    recognizer = foveal.teach(root, view="whole")
    assert recognizer.look(draw_shape("disc", 60), evidence=False).best == "disc"
    balanced = foveal.teach(root, view="whole", settings=foveal.Settings(priors="equal"))
    assert balanced.look(root / "square" / "square 0.png", evidence=False).best == "square"
