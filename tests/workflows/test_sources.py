"""Every layout of labelled pictures, and archives that must not be trusted."""

import json
import os
import random
import zipfile

import pytest

from foveal.core.errors import InputError
from foveal.workflows.sources.archive import UNPACKED, delete_unpacked
from foveal.workflows.sources.listing import list_examples


def touch(path, text=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)
    return path


def rows(listing):
    return [(e.name, e.labels, e.split) for e in listing.examples]


def test_folder_per_class_in_natural_order(tmp_path):
    for name in (
        "b/img10.jpg",
        "b/img2.JPG",
        "a b/é.png",
        "b/deep/er.webp",
        "b/Thumbs.db",
        ".hidden/x.jpg",
        "loose.jpg",
    ):
        touch(tmp_path / name)
    listing = list_examples(tmp_path)
    assert listing.layout == "folder per class"
    assert rows(listing) == [
        ("loose.jpg", (), None),
        ("a b/é.png", ("a b",), None),
        ("b/img2.JPG", ("b",), None),
        ("b/img10.jpg", ("b",), None),
        ("b/deep/er.webp", ("b",), None),
    ]


def test_labels_have_one_spelling(tmp_path):
    touch(tmp_path / "cafe\u0301" / "1.jpg")
    assert list_examples(tmp_path).classes == ("caf\u00e9",)
    touch(tmp_path / "\u00acno" / "1.jpg")
    with pytest.raises(InputError, match="must not start"):
        list_examples(tmp_path)


def test_split_folders_and_good_and_defects(tmp_path):
    for name in ("Train/cat/1.jpg", "valid/cat/2.jpg", "test/dog/3.jpg"):
        touch(tmp_path / "splits" / name)
    assert {r[2] for r in rows(list_examples(tmp_path / "splits"))} == {"train", "val", "test"}
    for name in ("train/good/1.png", "test/good/2.png", "test/crack/3.png", "ground_truth/crack/3_mask.png"):
        touch(tmp_path / "parts" / name)
    listing = list_examples(tmp_path / "parts")
    assert listing.layout == "good and defects"
    assert listing.classes == ("crack", "good")
    assert len(listing.examples) == 3


def test_tables(tmp_path):
    (tmp_path / "t.csv").write_text(
        "\ufeffPath,Label,Group,Subject,Split\na.jpg,cat,g1,Ann,TEST\nb c.jpg,dog,,,\n,,,,\n", "utf-8"
    )
    listing = list_examples(tmp_path / "t.csv")
    first, second = listing.examples
    assert (first.labels, first.group, first.subject, first.split) == (("cat",), "g1", "Ann", "test")
    assert (second.name, second.path) == ("b c.jpg", str(tmp_path / "b c.jpg"))
    assert listing.skipped == (("t.csv, row 3", "no path"),)
    lines = [{"file": "a.jpg", "labels": ["x", "y"]}, {"file": "b.jpg", "labels": "x|z", "not": "y"}]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    listing = list_examples(tmp_path / "t.jsonl")
    assert [e.labels for e in listing.examples] == [("x", "y"), ("x", "z")]
    assert listing.examples[1].not_labels == ("y",)


def test_parquet(tmp_path):
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table({"image": ["a.jpg", "b.jpg"], "labels": [["x"], ["x", "y"]]})
    pyarrow.parquet.write_table(table, tmp_path / "t.parquet")
    assert [e.labels for e in list_examples(tmp_path / "t.parquet").examples] == [("x",), ("x", "y")]
    (tmp_path / "bad.parquet").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="as Parquet"):
        list_examples(tmp_path / "bad.parquet")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "name,label\nx,y\n", "needs a column named path; it has label, name"),
        ("a.csv", "path,split\nx.jpg,nonsense\n", "split must be one of"),
        ("a.jsonl", "{broken\n", "line 1"),
        ("a.txt", "x", "neither a folder"),
    ],
)
def test_tables_that_say_nothing(tmp_path, name, text, said):
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(InputError, match=said):
        list_examples(tmp_path / name)


def test_a_zip_is_unpacked_once(tmp_path):
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("cat/ü 1.jpg", b"1")
        archive.writestr("dog/2.jpg", b"2")
        archive.writestr("__MACOSX/cat/._1.jpg", b"junk")
    listing = list_examples(tmp_path / "z.zip", unpack_into=tmp_path / "out")
    assert rows(listing) == [("cat/ü 1.jpg", ("cat",), None), ("dog/2.jpg", ("dog",), None)]
    assert rows(list_examples(tmp_path / "z.zip", unpack_into=tmp_path / "out")) == rows(listing)


@pytest.mark.parametrize("name", ["../evil.jpg", "/etc/evil.jpg", "a/../../evil.jpg", "C:/evil.jpg"])
def test_a_zip_that_leads_outside_is_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr(name, b"1")
    with pytest.raises(InputError, match="leads outside"):
        list_examples(tmp_path / "z.zip", unpack_into=tmp_path / "out")
    assert not list(tmp_path.rglob("evil.jpg"))


def test_bombs_links_and_damaged_zips_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.jpg", bytes(30 << 20))
    with pytest.raises(InputError, match="bomb"):
        list_examples(tmp_path / "bomb.zip", unpack_into=tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        info = zipfile.ZipInfo("a/b.jpg")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(InputError, match="link"):
        list_examples(tmp_path / "link.zip", unpack_into=tmp_path / "out")
    (tmp_path / "cut.zip").write_bytes((tmp_path / "bomb.zip").read_bytes()[:200])
    with pytest.raises(InputError, match="cannot be unpacked"):
        list_examples(tmp_path / "cut.zip", unpack_into=tmp_path / "out")


def test_a_loop_of_links_ends(tmp_path):
    touch(tmp_path / "a" / "1.jpg")
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    assert len(list_examples(tmp_path).examples) == 1


def test_names_that_are_hard_to_sort(tmp_path):
    for name in ("a/².jpg", "a/1².jpg", "a/٣.jpg", "a/10.jpg", "a/9.jpg"):
        touch(tmp_path / name)
    names = [row[0] for row in rows(list_examples(tmp_path))]
    assert len(names) == 5
    assert names.index("a/9.jpg") < names.index("a/10.jpg")


def test_what_is_no_picture_is_passed_over_with_the_reason(tmp_path):
    for name in ("a/1.jpg", "a/2.arw", "a/notes.txt", "a/README"):
        touch(tmp_path / name)
    touch(tmp_path / "a" / "scan", bytes(128) + b"DICM")
    os.mkfifo(tmp_path / "a" / "pipe.jpg")
    (tmp_path / "a" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a" / "self")
    listing = list_examples(tmp_path)
    assert [row[0] for row in rows(listing)] == ["a/1.jpg", "a/scan"]
    assert dict(listing.skipped) == {
        "a/2.arw": ".arw is not a picture format that is read",
        "a/pipe.jpg": "not a file",
        "a/gone.jpg": "a link that leads nowhere",
        "a/self": "a link that leads nowhere",
    }


def test_an_empty_folder_says_what_was_found(tmp_path):
    with pytest.raises(InputError, match="Expected one folder per class.* Found nothing"):
        list_examples(tmp_path)
    touch(tmp_path / "a" / "1.arw")
    with pytest.raises(InputError, match=r"Found a/1.arw: .arw is not"):
        list_examples(tmp_path)


def test_split_folders_among_others(tmp_path):
    for name in ("train/cat/1.jpg", "test/cat/2.jpg", "docs/figure.png", "loose.jpg"):
        touch(tmp_path / "splits" / name)
    listing = list_examples(tmp_path / "splits")
    assert rows(listing) == [("test/cat/2.jpg", ("cat",), "test"), ("train/cat/1.jpg", ("cat",), "train")]
    assert {name for name, _ in listing.skipped} == {"docs", "loose.jpg"}
    for name in ("train/1.jpg", "test/2.jpg", "bus/3.jpg"):  # things on a street, not splits
        touch(tmp_path / "street" / name)
    assert list_examples(tmp_path / "street").classes == ("bus", "test", "train")


def test_tables_with_breaks_inside_values(tmp_path):
    (tmp_path / "t.csv").write_text('path,label,note\na.jpg,cat,"two\nlines\u2028three"\nsub\\b.jpg,dog,\n', "utf-8")
    listing = list_examples(tmp_path / "t.csv")
    assert rows(listing) == [("a.jpg", ("cat",), None), ("sub/b.jpg", ("dog",), None)]
    assert listing.examples[1].path == str(tmp_path / "sub" / "b.jpg")
    (tmp_path / "t.jsonl").write_text('{"path": "a.jpg", "label": "x\u2028y"}\r\n\n', "utf-8")
    assert list_examples(tmp_path / "t.jsonl").classes == ("x\u2028y",)


def test_a_picture_named_twice(tmp_path):
    (tmp_path / "t.csv").write_text("path,label\na.jpg,cat\n./a.jpg,cat\nb.jpg,dog\n", "utf-8")
    listing = list_examples(tmp_path / "t.csv")
    assert [row[0] for row in rows(listing)] == ["a.jpg", "b.jpg"]
    assert listing.skipped == (("t.csv, row 2", "names ./a.jpg again"),)
    (tmp_path / "t.csv").write_text("path,label\na.jpg,cat\na.jpg,dog\n", "utf-8")
    with pytest.raises(InputError, match="names a.jpg twice, as cat and as dog.* labels: cat;dog"):
        list_examples(tmp_path / "t.csv")


def make_zip(path, names, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in names.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("wrapped", ["", "photos/", "photos/deeper/"])
def test_a_zip_of_a_folder_is_seen_through(tmp_path, wrapped):
    names = {f"{wrapped}{name}": b"1" for name in ("cat/1.jpg", "dog/2.jpg")}
    path = make_zip(tmp_path / "z.zip", names | {"__MACOSX/x": b""})
    assert list_examples(path, unpack_into=tmp_path / "out").classes == ("cat", "dog")


def test_a_zip_with_a_table_at_its_top(tmp_path):
    table = {
        "s/table.csv": b"path,label\nimages/1.jpg,cat\nimages/2.jpg,dog\n",
        "s/images/1.jpg": b"1",
        "s/images/2.jpg": b"2",
    }
    listing = list_examples(make_zip(tmp_path / "t.zip", table), unpack_into=tmp_path / "out")
    assert (listing.layout, listing.classes) == ("table", ("cat", "dog"))
    notes = {"notes.csv": b"author,year\nAnn,2024\n", "cat/1.jpg": b"1", "dog/2.jpg": b"2"}
    listing = list_examples(make_zip(tmp_path / "n.zip", notes), unpack_into=tmp_path / "out")
    assert (listing.layout, listing.classes) == ("folder per class", ("cat", "dog"))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_damaged_zips_give_an_error_of_ours_or_pictures(tmp_path, method):
    data = make_zip(tmp_path / "z.zip", {"a/1.jpg": random.Random(0).randbytes(4000)}, method).read_bytes()
    refused = 0
    for seed in range(60):
        dice, damaged = random.Random(seed), bytearray(data)
        for _ in range(3):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        (tmp_path / "bad.zip").write_bytes(damaged)
        try:
            list_examples(tmp_path / "bad.zip", unpack_into=tmp_path / f"out{seed}")
        except InputError:
            refused += 1
    assert refused > 10


def test_copies_of_forgotten_pictures_are_deleted_where_the_workspace_is_now(tmp_path):
    names = {f"{label}/{i}.jpg": b"1" for label in "ab" for i in range(2)}
    listing = list_examples(make_zip(tmp_path / "z.zip", names), unpack_into=tmp_path / "old" / UNPACKED)
    paths = [example.path for example in listing.examples]
    (tmp_path / "old").rename(tmp_path / "new")
    assert delete_unpacked(tmp_path / "new", [f"{paths[0]}#3", paths[1]], [f"{paths[1]}#1", *paths[2:]]) == 1
    left = sorted(path.name for path in (tmp_path / "new").rglob("*.jpg"))
    assert left == ["0.jpg", "1.jpg", "1.jpg"]
