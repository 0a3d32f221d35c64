"""Pictures kept after looking: what to ask first, settling, and forgetting them in time; classes renamed and merged."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.pictures import draw_shape

from foveal.core.errors import InputError
from foveal.imaging.to_image import to_image
from foveal.memory.codes import make_code
from foveal.store.workspace import Workspace
from foveal.workflows.looking import look_at_image
from foveal.workflows.renaming import rename_classes
from foveal.workflows.reviewing import drop_kept, keep_look, list_expired, list_kept, rank_kept, read_kept, settle
from foveal.workflows.workspace_model import open_workspace_model


def keep(folder, tmp_path, shape, number):
    path = tmp_path / f"{shape}-{number}.png"
    draw_shape(shape, number).save(path)
    learned = open_workspace_model(folder)
    image, capture = to_image(path)
    found = look_at_image(learned, image, capture, evidence=False)
    with Workspace.open(folder) as workspace:
        settings = workspace.settings
    code = make_code(learned.backbone.pool(image))
    return keep_look(folder, path.read_bytes(), (image, capture, code), found, settings), found


def test_what_would_teach_most_comes_first_and_no_two_are_alike(workspace, tmp_path):
    kept = dict(keep(workspace, tmp_path, shape, 200 + number) for shape in ("disc", "square") for number in range(5))
    twice, _ = keep(workspace, tmp_path, "disc", 200)  # the same picture again
    ranked = rank_kept(workspace, open_workspace_model(workspace), 3)
    assert len(ranked) == 3 and {one.name for one in ranked} <= {*kept, twice}
    every = rank_kept(workspace, open_workspace_model(workspace), 20)
    assert {one.name for one in every} == {*kept, twice}
    assert every[0].worth == max(one.worth for one in every)
    copies = [one.name for one in every if one.name == twice or kept.get(one.name) is kept[next(iter(kept))]]
    assert (
        abs(
            every.index(next(o for o in every if o.name == copies[0]))
            - every.index(next(o for o in every if o.name == copies[1]))
        )
        > 1
    )
    for one in every[:3]:
        assert one.prediction.probabilities == pytest.approx(kept.get(one.name, kept[next(iter(kept))]).probabilities)


def test_settling_teaches_and_keeps_no_longer(workspace, tmp_path):
    name, before = keep(workspace, tmp_path, "disc", 300)
    denied, _ = keep(workspace, tmp_path, "square", 301)
    settle(workspace, [name], label="stripes")
    settle(workspace, [denied], is_not="disc")
    assert list_kept(workspace) == []
    with Workspace.open(workspace) as opened:
        rows = {row.name: row for row in opened.rows() if row.name.startswith("looks/")}
    assert {row.labels for row in rows.values()} == {("stripes",), ()}
    assert {row.not_labels for row in rows.values()} == {(), ("disc",)}
    image, capture = to_image(tmp_path / "disc-300.png")
    after = look_at_image(open_workspace_model(workspace), image, capture, evidence=False)
    stripes = after.classes.index("stripes")
    assert after.probabilities[stripes] > before.probabilities[before.classes.index("stripes")]
    for wrong in ({}, {"label": "a", "is_not": "b"}):
        with pytest.raises(InputError, match="either"):
            settle(workspace, [name], label=wrong.get("label"), is_not=wrong.get("is_not"))
    with pytest.raises(InputError, match="kept"):
        settle(workspace, ["nothing"], label="disc")


def test_what_is_too_old_is_forgotten_with_its_file(workspace, tmp_path):
    name, _ = keep(workspace, tmp_path, "disc", 310)
    assert read_kept(workspace, name)[1] == (tmp_path / "disc-310.png").read_bytes()
    assert list_expired(workspace, 30) == []
    later = datetime.now(UTC) + timedelta(days=31)
    assert list_expired(workspace, 30, later) == [name]
    assert drop_kept(workspace, [name]) == 1 and drop_kept(workspace, []) == 0
    assert list_kept(workspace) == [] and list((workspace / "looked" / "unpacked").rglob("*.png")) == []
    with pytest.raises(InputError):
        read_kept(workspace, name)


def test_classes_are_renamed_and_merged(workspace):
    learned = rename_classes(workspace, {"disc": "round", "square": "round"})
    assert learned.readout.classes == ("round", "stripes")
    with Workspace.open(workspace) as opened:
        assert sum(row.labels == ("round",) for row in opened.rows()) == 24 and opened.problems() == []
    for wrong, told in (
        ({"nothing": "a"}, "No picture"),
        ({"round": " "}, "name"),
        ({"round": "stripes"}, "one class"),
    ):
        with pytest.raises(InputError, match=told):
            rename_classes(workspace, wrong)
