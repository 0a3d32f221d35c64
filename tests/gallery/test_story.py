"""Finding as users do it: catalogues of every layout, searches, feedback, queries, forgetting; and what goes wrong."""

import csv
import json
import shutil
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal import Gallery, InputError, Wish
from foveal.backbones.catalog import Options
from foveal.cli.exit_codes import ExitCode
from foveal.cli.main import main
from foveal.core.errors import DecodeError, FovealError, StoreError
from foveal.store.workspace import Workspace
from foveal.workflows.finding.catalogue import read_catalogue
from foveal.workflows.finding.explaining import explain
from foveal.workflows.finding.forgetting import forget_anywhere
from foveal.workflows.finding.gallery import GalleryChoices, open_gallery
from foveal.workflows.finding.grouping import group
from foveal.workflows.finding.indexing import Plan, index_catalogue
from foveal.workflows.finding.insight import list_expired, review_queries
from foveal.workflows.finding.searching import search, see_query
from foveal.workflows.forgetting import verify
from tests.gallery.stores import has
from tests.pictures import SHAPES, draw_shape, make_folder
from tests.tiny_network import write_network

EACH = 4


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return str(write_network(tmp_path_factory.mktemp("network") / "tiny.onnx"))


@pytest.fixture(scope="module")
def choices(network):
    return GalleryChoices(backbone=network, options=Options(view="whole"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Sixty items with four pictures each: one shape in one color, on different grounds."""
    root = tmp_path_factory.mktemp("shop")
    rows = []
    for number in range(60):
        for view in range(EACH):
            path = root / "photos" / f"{number:02d}-{view}.png"
            path.parent.mkdir(exist_ok=True)
            pixels = np.asarray(draw_shape(SHAPES[number % 3], number)).astype(int)
            ground = np.random.default_rng(1000 * number + view).integers(0, 60, pixels.shape)
            Image.fromarray(np.where(pixels.max(axis=2, keepdims=True) > 90, pixels, ground).astype(np.uint8)).save(
                path
            )
            rows.append({"path": f"photos/{path.name}", "item": f"thing {number:02d}", "price": number, "brand": "xyz"[number % 3], "code": f"0{number}"})  # fmt: skip
    with (root / "shop.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return root


@pytest.fixture(scope="module")
def indexed_once(shop, choices, tmp_path_factory):
    folder = tmp_path_factory.mktemp("indexed") / "g"
    indexed = index_catalogue(shop / "shop.csv", folder, choices)
    assert (indexed.n_items, indexed.n_pictures, indexed.n_new, indexed.n_known) == (60, 240, 240, 0)
    assert indexed.learned and not indexed.unreadable
    return folder


@pytest.fixture
def folder(indexed_once, tmp_path):
    """A gallery of one's own."""
    return shutil.copytree(indexed_once, tmp_path / "g")


@pytest.fixture
def gallery(folder):
    with Gallery(folder) as opened:
        yield opened


def read_rows(path: Path) -> list[dict]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def width_of(path: Path) -> int:
    with Image.open(path) as opened:
        return opened.width


def photo(shop: Path, number: int, view: int = 0) -> str:
    return str(shop / "photos" / f"{number:02d}-{view}.png")


# -- catalogues -------------------------------------------------------------------------------------------


def test_a_folder_is_items_with_categories_or_items_of_many_pictures(tmp_path):
    make_folder(tmp_path / "c", each=2)
    single = read_catalogue(tmp_path / "c")
    assert len({e.group for e in single.examples}) == 6
    assert single.columns["disc/disc 0.png"] == {"category": "disc"}
    several = read_catalogue(tmp_path / "c", folders_are_items=True)
    assert {e.group for e in several.examples} == set(SHAPES) and len(several.examples) == 6


def test_tables_of_every_kind_say_the_same(tmp_path):
    make_folder(tmp_path, each=2, shapes=("disc",))
    names = ["disc/disc 0.png", "disc/disc 1.png"]
    (tmp_path / "a.csv").write_text(f"item,paths,Price,new,subject,note\nd1,{names[0]};{names[1]},2.50,true,ann,\n")
    (tmp_path / "b.jsonl").write_text(
        json.dumps({"id": "d1", "images": names, "price": 2.5, "new": True, "subject": "ann"}) + "\n"
    )
    found = [read_catalogue(tmp_path / "a.csv"), read_catalogue(tmp_path / "b.jsonl")]
    if has("pyarrow"):
        import pyarrow
        import pyarrow.parquet

        rows = [{"sku": "d1", "path": name, "price": 2.5, "new": True, "subject": "ann"} for name in names]
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "c.parquet")
        found.append(read_catalogue(tmp_path / "c.parquet"))
    for catalogue in found:
        assert [(e.group, e.subject, Path(e.path).name) for e in catalogue.examples] == [
            ("d1", "ann", "disc 0.png"),
            ("d1", "ann", "disc 1.png"),
        ]
        assert catalogue.columns == {"d1": {"price": 2.5, "new": True}}


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("name,price\na,1\n", "column named path"),
        ("path,price\n,1\n", "names no pictures"),
        ("path,item,price\na.png,x,1\nb.png,x,2\n", "two values of price"),
    ],
)
def test_tables_that_say_nothing_or_contradict_themselves_are_refused(tmp_path, text, match):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=match):
        read_catalogue(tmp_path / "t.csv")


def test_a_zip_is_unpacked_into_the_gallery_and_leaves_with_the_forgotten(tmp_path, choices):
    make_folder(tmp_path / "c", each=3)
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as packed:
        for path in sorted((tmp_path / "c").rglob("*.png")):
            packed.write(path, path.relative_to(tmp_path / "c"))
    index_catalogue(tmp_path / "c.zip", tmp_path / "g", choices)
    with Gallery(tmp_path / "g") as gallery:
        assert len(gallery) == 9
        gallery.forget("disc/disc 1.png")
        assert len(gallery) == 8
    assert not list((tmp_path / "g").rglob("disc 1.png"))


def test_indexing_again_adds_updates_and_prunes(shop, folder, tmp_path):
    again = index_catalogue(shop / "shop.csv", folder)
    assert (again.n_new, again.n_known, again.learned) == (0, 240, False)
    rows = read_rows(shop / "shop.csv")[: 50 * EACH]
    rows = [
        row | {"path": str(shop / row["path"]), "price": "7" if row["item"] == "thing 03" else row["price"]}
        for row in rows
    ]
    draw_shape("disc", 991).save(tmp_path / "new.png")
    rows.append(rows[0] | {"path": str(tmp_path / "new.png"), "item": "thing new", "price": "1000"})
    with (tmp_path / "next.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    after = index_catalogue(tmp_path / "next.csv", folder, plan=Plan(prune=True))
    assert (after.n_items, after.n_new, after.n_removed) == (51, 1, 10 * EACH)
    with Gallery(folder) as gallery:
        assert gallery.find(tmp_path / "new.png", where="price >= 1000", k=3).hits[0].item == "thing new"
        assert gallery.find(photo(shop, 3), k=1, where="price = 7").hits[0].item in ("thing 03", "thing 07")
        assert not {hit.item for hit in gallery.find(photo(shop, 55), k=60, cut_off=None).hits} & {
            f"thing {n}" for n in range(50, 60)
        }


def test_one_bad_file_is_reported_and_the_rest_is_kept(tmp_path, choices, capsys):
    make_folder(tmp_path / "c", each=3)
    (tmp_path / "c" / "disc" / "text.jpg").write_text("no picture")
    (tmp_path / "c" / "disc" / "empty.png").write_bytes(b"")
    (tmp_path / "c" / "disc" / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(200))
    indexed = index_catalogue(tmp_path / "c", tmp_path / "g", choices)
    assert (indexed.n_items, indexed.n_new, len(indexed.unreadable)) == (9, 9, 3)
    with pytest.raises(InputError, match="None of the 1 pictures"):
        index_catalogue(tmp_path / "c" / "disc" / "text.jpg", tmp_path / "h", choices)


# -- searching --------------------------------------------------------------------------------------------


def test_a_picture_finds_its_item_and_says_how_sure(gallery, shop):
    assert gallery._open.model.same_item is not None
    right = 0
    for number in range(0, 60, 5):
        found = gallery.find(photo(shop, number), k=3)
        ranked = [*found.hits, *found.others]
        right += ranked[0].item == f"thing {number:02d}"
        assert ranked[0].similarity == pytest.approx(1.0, abs=5e-3)
        assert all(0 <= hit.probability <= 1 for hit in ranked)
        assert [hit.probability for hit in ranked] == sorted((hit.probability for hit in ranked), reverse=True)
    assert right == 12


def test_what_is_not_there_is_not_found(gallery):
    found = gallery.find(np.full((90, 90, 3), (255, 0, 255), np.uint8), cut_off=0.9)
    assert not found.hits and found.best is None and "nothing similar" in found.reason
    assert found.others


def test_filters_hold_and_k_may_exceed_the_catalogue(gallery, shop):
    found = gallery.find(photo(shop, 7), k=500, where="price < 10 and brand = 'x'", cut_off=None)
    assert {hit.item for hit in found.hits} == {"thing 00", "thing 03", "thing 06", "thing 09"}
    assert found.hits[0].columns["code"] in ("00", "03", "06", "09")


def test_a_crop_searches_for_what_is_inside(gallery, shop):
    wide = Image.new("RGB", (400, 200), (10, 10, 10))
    wide.paste(Image.open(photo(shop, 4)), (37, 50))
    whole = gallery.find(wide, cut_off=None, k=1).hits[0].similarity
    cropped = gallery.find(wide, cut_off=None, k=1, crop=(37, 50, 133, 146))
    assert cropped.hits[0].item == "thing 04" and cropped.hits[0].similarity > max(whole, 0.99)
    assert cropped.box == (37, 50, 133, 146)
    auto = gallery.find(wide, cut_off=None, k=1, crop="auto")
    left, top, right, bottom = auto.box
    assert 0 <= left < right <= 400 and 0 <= top < bottom <= 200


@pytest.mark.parametrize("crop", [(0, 0, 500, 10), (5, 5, 5, 9), (-1, 0, 5, 5), "middle", (1, 2, 3)])
def test_crops_outside_are_refused(gallery, shop, crop):
    with pytest.raises(InputError, match="crop"):
        gallery.find(photo(shop, 1), crop=crop)


def test_a_mirrored_picture_is_found_by_its_mirror(gallery, shop):
    turned = np.asarray(Image.open(photo(shop, 10)))[:, ::-1]
    plain, mirrored = (gallery.find(turned, mirror=mirror, cut_off=None, k=1).hits[0] for mirror in (False, True))
    assert mirrored.item == "thing 10" and mirrored.similarity == pytest.approx(1.0, abs=5e-3)
    assert plain.similarity < mirrored.similarity


def test_feedback_changes_the_order(gallery, shop):
    before = gallery.find(photo(shop, 8), k=20, cut_off=None)
    refused, wanted = before.hits[1].item, before.hits[10].item
    after = gallery.find(photo(shop, 8), k=20, unlike=(refused,), like=(wanted,))
    order = [hit.item for hit in after.hits]
    assert refused not in order
    assert order.index(wanted) < 10
    assert all(hit.probability is None for hit in after.hits) and "no probability" in after.reason
    assert gallery.find(photo(shop, 8), k=5, without=("thing 08",), cut_off=None).hits[0].item != "thing 08"


def test_evidence_adds_up_to_the_similarity(folder, shop):
    with open_gallery(folder) as opened:
        wish = Wish(k=4, cut_off=None)
        query = see_query(opened, photo(shop, 21), wish)
        found, pictures = explain(opened, query, search(opened, query, wish))
        assert len(pictures) == 4
        for hit in found.hits:
            assert hit.evidence.on_query.sum() == pytest.approx(hit.similarity, abs=5e-3)
            assert hit.evidence.on_hit.sum() == pytest.approx(hit.similarity, abs=5e-3)
            assert hit.evidence.on_query.ndim == 2


def test_evidence_is_drawn_even_where_the_picture_is_gone(folder, shop, tmp_path):
    with Gallery(folder) as gallery:
        sheet = gallery.draw(photo(shop, 2), k=2)
    with open_gallery(folder) as opened:
        rows = opened.store.all_pictures()
    assert sheet.width == 1200 and sheet.height > 600
    moved = tmp_path / "moved.png"
    shutil.copy(photo(shop, 2), moved)
    with Workspace.open(folder, writing=True) as workspace:
        workspace._ledger.connection.execute("UPDATE examples SET path = '/gone/' || name")
    with Gallery(folder) as gallery:
        assert gallery.draw(moved, k=2).height == sheet.height
    assert len(rows) == 240


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["{photo}", "--where", "color = 'red'"], ExitCode.INPUT, "no column color"),
        (["{photo}", "--where", "price = 1; drop table items"], ExitCode.INPUT, "not understood"),
        (["{photo}", "-k", "0"], ExitCode.INPUT, "number of hits"),
        (["{photo}", "--like", "ghost"], ExitCode.INPUT, "no item ghost"),
        (["{photo}", "--crop", "1,2"], ExitCode.INPUT, "crop"),
        (["nowhere.jpg"], ExitCode.INPUT, "does not exist"),
        ([], ExitCode.INPUT, "pictures to search for"),
        (["{text}"], ExitCode.INPUT, "skipped"),
    ],
)
def test_bad_searches_are_one_sentence(folder, shop, tmp_path, capsys, arguments, status, said):
    (tmp_path / "text.jpg").write_text("no picture")
    given = [one.format(photo=photo(shop, 1), text=tmp_path / "text.jpg") for one in arguments]
    assert main(["find", *given, "--in", str(folder)]) == status
    error = capsys.readouterr().err
    assert said in error and "Traceback" not in error


def test_an_empty_gallery_and_none_at_all(tmp_path, choices, shop, capsys):
    with Gallery(tmp_path / "g", choices) as gallery, pytest.raises(InputError, match="empty"):
        gallery.find(photo(shop, 1))
    assert main(["find", photo(shop, 1), "--in", str(tmp_path / "g")]) == ExitCode.INPUT
    assert main(["find", photo(shop, 1), "--in", str(tmp_path / "nothing")]) == ExitCode.STORE
    make_folder(tmp_path / "photos", each=6)
    assert (
        main(
            [
                "teach",
                str(tmp_path / "photos"),
                "-w",
                str(tmp_path / "w"),
                "--backbone",
                choices.backbone,
                "--view",
                "whole",
            ]
        )
        == 0
    )
    assert main(["find", photo(shop, 1), "--in", str(tmp_path / "w")]) == ExitCode.STORE
    assert main(["index", str(tmp_path / "photos"), "--into", str(tmp_path / "w")]) == ExitCode.STORE


def test_another_backbone_is_refused(tmp_path, shop):
    network = write_network(tmp_path / "n.onnx")
    index_catalogue(shop / "shop.csv", tmp_path / "g", GalleryChoices(backbone=str(network)), Plan(learn=False))
    write_network(network, size=64)
    with pytest.raises(FovealError, match="backbone|SHA|codes"):
        open_gallery(tmp_path / "g")


# -- changing ---------------------------------------------------------------------------------------------


def test_items_come_change_and_go(gallery, shop):
    gallery.add("new thing", Image.open(photo(shop, 0)).rotate(90), Path(photo(shop, 1)), price=3, brand="q")
    assert gallery.find(photo(shop, 1), where="brand = 'q'").hits[0].item == "new thing"
    gallery.update("new thing", price=4000)
    assert gallery.find(photo(shop, 1), where="price = 4000").hits[0].columns == {"price": 4000}
    assert gallery.remove("new thing", "thing 05") == 2 + EACH
    assert len(gallery) == 59
    with pytest.raises(InputError, match="ghost"):
        gallery.update("ghost", price=1)
    with pytest.raises(InputError, match="at least one picture"):
        gallery.add("nothing")
    with pytest.raises(DecodeError):
        gallery.add("bad", photo(shop, 2), b"no picture")
    assert len(gallery) == 59


def test_recommendations_are_near_varied_and_not_bought(gallery, shop):
    found = gallery.recommend(["thing 00", "thing 01"], bought=["thing 02"], k=6)
    names = [hit.item for hit in found.hits]
    assert len(names) == len(set(names)) == 6 and not {"thing 00", "thing 01", "thing 02"} & set(names)
    assert len(gallery.recommend(["thing 00"], k=3, where="brand = 'y'").hits) == 3
    first = gallery.recommend(["thing 00"], k=3).hits[0].item
    assert first not in [hit.item for hit in gallery.recommend(["thing 00"], bought=[first], k=50).hits]
    gallery.add("copy", photo(shop, 3))
    gallery.add("copy of the copy", photo(shop, 3))
    near = [hit.item for hit in gallery.recommend(["thing 03"], k=20).hits]
    assert ("copy" in near) + ("copy of the copy" in near) <= 1
    with pytest.raises(InputError, match="ghost"):
        gallery.recommend(["ghost"])


def test_near_copies_and_distinct_items_are_grouped(folder, shop, tmp_path, capsys):
    with Gallery(folder) as gallery:
        gallery.add("copy", photo(shop, 3))
    copies = group(folder)
    assert any({"copy", "thing 03"} <= set(one.facts["items"].split(", ")) for one in copies.clusters)
    (tmp_path / "shelf").mkdir()
    for number in (4, 9, 14):
        for view in range(3):
            shutil.copy(photo(shop, number, view), tmp_path / "shelf")
    (tmp_path / "shelf" / "text.jpg").write_text("no picture")
    counted = group(tmp_path / "shelf", folder)
    assert counted.n_pictures == 9 and len(counted.unreadable) == 1
    named = [one.facts["item"].partition(" (")[0] for one in counted.clusters]
    assert set(named) == {"thing 04", "thing 09", "thing 14"}
    assert len(group(tmp_path / "shelf").clusters) == 3
    assert main(["group", str(tmp_path / "shelf"), "--in", str(folder), "--draw", str(tmp_path / "s.png")]) == 0
    assert width_of(tmp_path / "s.png") == 1200
    assert "distinct items among 9 pictures" in capsys.readouterr().out


# -- queries ----------------------------------------------------------------------------------------------


def test_queries_are_kept_only_when_wanted_and_only_so_long(folder, shop, tmp_path, capsys):
    assert main(["find", photo(shop, 1), "--in", str(folder)]) == 0
    assert main(["queries", str(folder)]) == ExitCode.INPUT
    assert not (folder / "queries").exists()
    assert main(["queries", str(folder), "--keep-days", "30"]) == 0
    for color in ((255, 0, 255), (250, 5, 250), (0, 255, 255)):
        Image.new("RGB", (80, 80), color).save(tmp_path / "q.png")
        assert (
            main(["find", str(tmp_path / "q.png"), "--in", str(folder), "--cut-off", "0.95", "--customer", "ann"]) == 0
        )
    assert main(["find", photo(shop, 1), "--in", str(folder), "--cut-off", "0.01", "--customer", "bob"]) == 0
    report = review_queries(folder)
    assert (report.n, report.n_found, report.expired) == (4, 1, 0)
    assert report.popular == (("thing 01", 1),)
    assert sum(one.n for one in report.unmet) == 3
    table, sheet = tmp_path / "unmet.csv", tmp_path / "unmet.png"
    assert main(["queries", str(folder), "--csv", str(table), "--draw", str(sheet)]) == 0
    assert sum(int(row["queries"]) for row in read_rows(table)) == 3
    assert width_of(sheet) == 1200
    with open_gallery(folder) as opened:
        assert len(list_expired(opened, datetime.now(UTC) + timedelta(days=31))) == 4
        assert list_expired(opened, datetime.now(UTC) + timedelta(days=29)) == []
    assert main(["forget", "--subject", "ann", "-w", str(folder / "queries")]) == 0
    assert review_queries(folder).n == 1
    assert not verify(folder / "queries").problems
    expired = review_queries(folder, keep_days=0)
    assert expired.n in (0, 1)


def test_a_forgotten_item_stands_in_no_query(folder, shop):
    review_queries(folder, keep_days=5)
    assert main(["find", photo(shop, 33), "--in", str(folder)]) == 0
    forget_anywhere(folder, ["thing 33"], by="group")
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"thing 33" not in everything


# -- forgetting -------------------------------------------------------------------------------------------


def test_forgetting_an_item_is_as_if_it_had_never_been(shop, choices, tmp_path):
    """What was learned, vectors and answers equal those of a gallery that never had it."""
    rows = read_rows(shop / "shop.csv")
    for name, kept in (("whole", rows), ("never", [row for row in rows if row["item"] != "thing 17"])):
        with (shop / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(kept)
        index_catalogue(shop / f"{name}.csv", tmp_path / name, choices)
    with Gallery(tmp_path / "whole") as gallery:
        before = gallery._open.model.metric.id
        gallery.add("late", photo(shop, 5), photo(shop, 6))  # after learning: it is not learned from
        certificate = gallery.forget("thing 17")
        assert certificate["scan"]["n_found"] == 0 and certificate["n_erased"] == EACH
        with Gallery(tmp_path / "never") as never:
            never.add("late", photo(shop, 5), photo(shop, 6))
            one, other = gallery._open.model, never._open.model
            assert one.metric.id == other.metric.id != before
            assert (one.same_item, one.tried, one.n) == (other.same_item, other.tried, other.n)
            for number in (17, 3, 40):
                answers = [
                    [
                        (hit.item, hit.similarity, hit.probability)
                        for hit in g.find(photo(shop, number), cut_off=None).hits
                    ]
                    for g in (gallery, never)
                ]
                assert answers[0] == answers[1]
    assert not verify(tmp_path / "whole").problems
    everything = b"".join(path.read_bytes() for path in (tmp_path / "whole").rglob("*") if path.is_file())
    assert b"thing 17" not in everything


def test_a_picture_added_after_learning_leaves_what_was_learned_alone(gallery, shop):
    before = gallery._open.model.metric.id
    gallery.add("late", photo(shop, 5), price=1)
    gallery.forget("late")
    assert gallery._open.model.metric.id == before and len(gallery) == 60


@pytest.mark.parametrize("harm", ["gone", "cut", "older"])
def test_what_was_learned_can_be_learned_again(folder, shop, harm, capsys):
    """As after a forgetting that was killed between deleting it and learning again."""
    model = folder / "model.foveal"
    data = model.read_bytes()
    model.unlink()
    if harm == "cut":
        model.write_bytes(data[:1000])
    elif harm == "older":
        (folder / "elsewhere").mkdir()
        with Gallery(folder / "elsewhere" / "g") as other:
            other.add("x", photo(shop, 1))
            other.learn()
        shutil.copy(folder / "elsewhere" / "g" / "model.foveal", model)
    assert main(["find", photo(shop, 4), "--in", str(folder)]) in (ExitCode.MODEL, ExitCode.INTEGRITY)
    assert "--learn" in capsys.readouterr().err or harm == "cut"
    assert main(["index", str(shop / "shop.csv"), "--into", str(folder), "--learn"]) == 0
    with Gallery(folder) as gallery:
        ranked = gallery.find(photo(shop, 4), cut_off=None).hits
        assert ranked[0].item == "thing 04"


def test_forgetting_what_is_not_there_erases_nothing(folder, capsys):
    assert main(["forget", "--item", "ghost", "-w", str(folder)]) == ExitCode.INPUT
    with Gallery(folder) as gallery:
        assert len(gallery) == 60


# -- servers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["postgres", "qdrant"])
def test_the_same_on_a_server(kind, shop, choices, tmp_path, request, indexed_once):
    if kind == "postgres":
        address = f"{request.getfixturevalue('server')}&gallery=story"
    elif has("qdrant_client"):
        address = f"qdrant+local://{tmp_path}/story"
    else:
        pytest.skip("needs qdrant-client")
    indexed = index_catalogue(shop / "shop.csv", address, choices)
    assert (indexed.n_items, indexed.n_pictures, indexed.learned) == (60, 240, True)
    with Gallery(address) as far, Gallery(indexed_once) as near:
        for number in (3, 30):
            answers = [
                [
                    (hit.item, hit.columns)
                    for hit in one.find(photo(shop, number), k=8, where="price < 40", cut_off=None).hits
                ]
                for one in (far, near)
            ]
            assert answers[0] == answers[1]
        assert far.draw(photo(shop, 3), k=2).width == 1200
        assert len(far.recommend(["thing 03"], k=3).hits) == 3
        far.add("late", photo(shop, 2), price=999)
        assert far.find(photo(shop, 2), where="price = 999").best.item == "late"
        with pytest.raises(InputError, match="server"):
            far.forget("late")
    with pytest.raises(StoreError):
        open_gallery(address.replace("story", "nowhere"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["look", "{photo}", "--with", "{folder}"],
        ["look", "{photo}", "--with", "{folder}/model.foveal"],
        ["evaluate", "--workspace", "{folder}"],
        ["card", "{folder}"],
        ["save", "{folder}/x.foveal", "--workspace", "{folder}"],
        ["drift", "{photos}", "--workspace", "{folder}"],
        ["teach", "{photos}", "--workspace", "{folder}"],
        ["teach", "--good", "{photos}", "--workspace", "{folder}"],
        ["watch", "{photos}", "--with", "{folder}", "--once"],
    ],
)
def test_commands_for_something_else_say_so(folder, shop, arguments, capsys):
    given = [one.format(photo=photo(shop, 1), photos=shop / "photos", folder=folder) for one in arguments]
    assert main(given) in (ExitCode.INPUT, ExitCode.STORE)
    error = capsys.readouterr().err
    assert "Traceback" not in error and "unexpected" not in error
    with Gallery(folder) as gallery:
        assert len(gallery) == 60
