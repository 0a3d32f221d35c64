"""Every layout of labelled pictures, and archives that must not be trusted."""

import json
import zipfile

import pytest

from foveal.core.errors import InputError
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
