"""What every gallery store must do, run over every implementation."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from foveal.core.errors import InputError
from foveal.core.where import parse_where
from tests.gallery.made import DIM, many, new_picture, vector_of

SHOP = {
    "shoe": {"price": 40, "brand": "x", "new": True},
    "boot": {"price": 80.5, "brand": "y", "new": False},
    "lamp": {"price": 15, "brand": "x"},
    "vase": {"brand": "Zen & co 100%", "note": "it's _fragile_"},
}


def fill(store):
    """Four items along the first axis, the shoe nearest to it, the vase farthest."""
    pictures = [new_picture(item, n, vector_of(1.0, 0.2 * n)) for n, item in enumerate(SHOP)]
    return store.add(pictures, SHOP)


def items_found(store, vector, k=4, **how):
    found = store.search(np.stack([vector]), k, **how)
    return [shown.item for shown in store.show([n for n in found.pictures[0].tolist() if n >= 0])]


def test_what_is_added_is_found_best_first(store):
    fill(store)
    found = store.search(np.stack([vector_of(1.0), vector_of(1.0, 0.6)]), 2)
    assert found.pictures.shape == found.similarities.shape == (2, 2)
    assert [one.item for one in store.show(found.pictures[0])] == ["shoe", "boot"]
    assert store.show(found.pictures[1])[0].item == "vase"
    assert found.similarities[0, 0] == pytest.approx(1.0, abs=2e-3)
    assert (np.diff(found.similarities, axis=1) <= 0).all()


def test_exact_search_equals_brute_force(store):
    pictures = many(120, per_item=3)
    ids = store.add(pictures, {})
    queries = np.stack([p.vector for p in many(5, first=900)])
    found = store.search(queries, 7)
    for row, query in enumerate(queries):
        best: dict = {}
        for number, picture in zip(ids, pictures, strict=True):
            similarity = float(query @ picture.vector.astype(np.float16).astype(np.float32))
            if similarity > best.get(picture.item, (-2.0, 0))[0]:
                best[picture.item] = (similarity, number)
        expected = sorted(best.values(), reverse=True)[:7]
        assert found.pictures[row].tolist() == [number for _, number in expected]
        assert found.similarities[row] == pytest.approx([s for s, _ in expected], abs=2e-3)


def test_one_item_with_many_pictures_hides_no_other(store):
    crowd = [new_picture("crowd", n, vector_of(1.0, 0.001 * n)) for n in range(150)]
    others = [new_picture(f"other-{n}", 500 + n, vector_of(1.0, 0.5 + 0.1 * n)) for n in range(4)]
    rest = [
        new_picture(
            f"rest-{n}", 900 + n, -new_picture("", 900 + n).vector * np.sign(new_picture("", 900 + n).vector[0])
        )
        for n in range(200)
    ]
    store.add([*crowd, *others, *rest], {})
    assert items_found(store, vector_of(1.0), 5) == ["crowd", "other-0", "other-1", "other-2", "other-3"]


def test_fewer_than_k_are_padded(store):
    fill(store)
    found = store.search(np.stack([vector_of(1.0)]), 9)
    assert (found.pictures[0, 4:] == -1).all() and np.isneginf(found.similarities[0, 4:]).all()


def test_an_empty_gallery_finds_nothing(store):
    assert (store.search(np.stack([vector_of(1.0)]), 3).pictures == -1).all()
    assert store.count() == (0, 0) and store.all_pictures() == [] and store.columns() == {}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("price < 50 and brand = 'x'", ["shoe", "lamp"]),
        ("price < 50", ["shoe", "lamp"]),
        ("price >= 80.5", ["boot"]),
        ("price = 15 or price = 40", ["shoe", "lamp"]),
        ("price != 15", ["shoe", "boot"]),
        ("not price < 50", ["boot", "vase"]),
        ("price is null", ["vase"]),
        ("price is not null and not brand = 'x'", ["boot"]),
        ("brand in ('y', 'nothing')", ["boot"]),
        ("price in (15, 80.5)", ["boot", "lamp"]),
        ("brand not in ('x')", ["boot", "vase"]),
        ("brand > 'x'", ["boot"]),
        ("brand <= 'Zen & co 100%'", ["vase"]),
        ("brand like 'Zen%'", ["vase"]),
        ("brand like '_'", ["shoe", "boot", "lamp"]),
        ("brand like '%100%'", ["vase"]),
        ("note = 'it''s _fragile_'", ["vase"]),
        ("new = true", ["shoe"]),
        ("new = false or note is not null", ["boot", "vase"]),
        ("brand = 'x''; drop table items; --'", []),
        ("price < 0", []),
    ],
)
def test_filters(store, where, expected):
    fill(store)
    assert items_found(store, vector_of(1.0), where=parse_where(where)) == expected


def test_filters_leave_k_where_k_exist(store):
    pictures = many(400)
    store.add(pictures, {p.item: {"rare": n % 100 == 7} for n, p in enumerate(pictures)})
    assert len(items_found(store, vector_of(1.0), 4, where=parse_where("rare = true"))) == 4


@pytest.mark.parametrize("where", ["color = 'red'", "price = 'cheap'", "brand < 3"])
def test_filters_on_missing_or_other_columns_are_refused(store, where):
    fill(store)
    with pytest.raises(InputError, match="column"):
        store.search(np.stack([vector_of(1.0)]), 2, where=parse_where(where))


def test_columns_are_listed_with_their_kind(store):
    fill(store)
    assert store.columns() == {"brand": "text", "new": "number", "note": "text", "price": "number"}


def test_columns_are_replaced(store):
    fill(store)
    assert items_found(store, vector_of(1.0), where=parse_where("price > 50")) == ["boot"]
    assert items_found(store, vector_of(1.0), where=parse_where("brand = 'x'")) == ["shoe", "lamp"]
    store.set_columns({"lamp": {"price": 99, "shade": "green"}})
    assert items_found(store, vector_of(1.0), where=parse_where("price > 50")) == ["boot", "lamp"]
    assert items_found(store, vector_of(1.0), where=parse_where("shade = 'green'")) == ["lamp"]
    assert items_found(store, vector_of(1.0), where=parse_where("brand = 'x'")) == ["shoe"]
    with pytest.raises(InputError, match="ghost"):
        store.set_columns({"ghost": {"price": 1}})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, [1]])
def test_odd_values_are_refused(store, value):
    fill(store)
    with pytest.raises(InputError, match="price"):
        store.set_columns({"lamp": {"price": value}})
    assert items_found(store, vector_of(1.0), where=parse_where("price = 15")) == ["lamp"]


def test_odd_names_of_columns_and_items(store):
    store.add([new_picture("é'\"; drop", 1, vector_of(1.0))], {"é'\"; drop": {"größe (cm) $.x": 3}})
    assert items_found(store, vector_of(1.0), where=parse_where('"größe (cm) $.x" = 3')) == ["é'\"; drop"]
    assert store.remove(["é'\"; drop"]) == 1 and store.count() == (0, 0)


def test_removing_takes_all_pictures_of_an_item(store):
    fill(store)
    store.add([new_picture("shoe", 77, vector_of(1.0, 0.05))], {})
    assert store.remove(["shoe"]) == 2
    assert items_found(store, vector_of(1.0)) == ["boot", "lamp", "vase"]
    assert store.count() == (3, 3)
    with pytest.raises(InputError, match="shoe"):
        store.remove(["lamp", "shoe"])
    assert store.count() == (3, 3)


def test_pictures_can_be_left_out(store):
    ids = fill(store)
    assert items_found(store, vector_of(1.0), without=[ids[0], ids[2]]) == ["boot", "vase"]


def test_hidden_pictures_are_kept_and_never_found(store):
    fill(store)
    (number,) = store.add([new_picture("secret", 50, vector_of(1.0), hidden=True)], {})
    assert number not in store.search(np.stack([vector_of(1.0)]), 9).pictures
    assert store.count() == (4, 4) and len(store.all_pictures()) == 5
    assert store.codes([number]).shape == (1, 32)


def test_everything_is_there_after_opening_again(opened):
    store, again = opened
    ids = fill(store)
    store.update_settings({"colour": ["a", 1]})
    store.save_model(b"\0what was learned")
    expected = (store.all_pictures(), store.codes(ids).tolist(), store.measures(), store.thumbnail(ids[2]))
    store = again()
    assert (store.all_pictures(), store.codes(ids).tolist(), store.measures(), store.thumbnail(ids[2])) == expected
    assert store.settings["colour"] == ["a", 1] and store.load_model() == b"\0what was learned"
    assert items_found(store, vector_of(1.0)) == list(SHOP)


def test_codes_and_facts_come_back_as_they_were(store):
    pictures = many(5)
    ids = store.add(pictures, {})
    assert np.array_equal(store.codes(ids[::-1]), np.stack([p.code for p in pictures[::-1]]))
    assert [store.measures()[n] for n in ids] == [(p.capture, p.appearance) for p in pictures]
    assert [store.thumbnail(n) for n in ids] == [p.thumbnail for p in pictures]
    assert store.pictures_of(["item-3", "ghost"]) == {"item-3": [ids[3]]}
    with pytest.raises(InputError, match="no longer"):
        store.codes([ids[0], 10_000])


def test_another_metric_changes_what_is_near(store):
    ids = fill(store)
    hidden = store.add([new_picture("shoe", 50, hidden=True)], {})
    turned = np.stack([vector_of(*([0.0] * 7), 1.0, 0.3 * (3 - n)) for n in range(4)])
    wider = np.pad(turned, ((0, 0), (0, 4)))
    store.set_vectors(iter([(ids[:2], wider[:2]), (ids[2:], wider[2:])]), DIM + 4, "second")
    assert items_found(store, np.pad(vector_of(*([0.0] * 7), 1.0), (0, 4))) == ["vase", "lamp", "boot", "shoe"]
    assert store.settings["metric"] == "second" and store.settings["vector_dim"] == DIM + 4
    assert len(store.codes(hidden)) == 1
    with pytest.raises(InputError, match="vector"):
        store.add([new_picture("late", 60)], {})


def test_codes_of_another_length_are_refused_and_nothing_is_kept(store):
    fill(store)
    odd = new_picture("odd", 61, code=np.ones(7, np.int16))
    with pytest.raises(InputError, match="backbone"):
        store.add([new_picture("even", 62), odd], {})
    assert store.count() == (4, 4)


def test_searching_goes_on_while_items_come_and_go(store):
    fill(store)
    done = threading.Event()

    def search() -> int:
        n = 0
        while not done.is_set():
            assert items_found(store, vector_of(1.0), 2, where=parse_where("brand = 'x'")) == ["shoe", "lamp"]
            n += 1
        return n

    with ThreadPoolExecutor(2) as pool:
        searches = [pool.submit(search) for _ in range(2)]
        for n in range(12):
            store.add([new_picture(f"more-{n}", 100 + n)], {f"more-{n}": {"brand": "other"}})
            if n % 3 == 2:
                store.remove([f"more-{n}"])
        done.set()
        assert sum(one.result() for one in searches) > 0
    assert store.count() == (12, 12)
