"""A gallery on a Qdrant server, for catalogues that outgrow one machine.

qdrant://HOST:6333/NAME, qdrant+https://HOST/NAME, or qdrant+local:///FOLDER/NAME for the client's own small store in a
folder. Pictures of one metric are points of one collection; another metric gets a collection of its own, to which
the gallery turns once it is complete. One process may write.
"""

import base64
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar, final

import numpy as np

from foveal.core.contracts import Code, Float32s
from foveal.core.errors import InputError, MissingExtraError, StoreError
from foveal.core.gallery import Columns, GalleryStore, Kept, Matches, NewPicture, Shown, refuse_unknown
from foveal.core.image import Appearance, Capture
from foveal.core.where import Where, list_columns
from foveal.store.gallery.columns import NUMBER, TEXT, check_columns, check_kinds
from foveal.store.gallery.item_rows import check_fit, plain_columns
from foveal.store.gallery.vectors import pack

try:
    from qdrant_client import QdrantClient, models
    from qdrant_client.http.exceptions import ApiException

    from foveal.store.gallery.where_qdrant import NUMBERS, TEXTS, field, to_filter
except ImportError:
    raise MissingExtraError("A gallery on Qdrant", "qdrant") from None

T = TypeVar("T")
_ADDRESS = re.compile(r"qdrant(?:\+(http|https|local))?://(.*?)/([a-z][a-z0-9_]{0,40})")
_VECTOR = "seen"
_SETTINGS, _MODEL = 1, 2  # points of the collection that describes the gallery
_PAGE = 512


@final
class QdrantGallery(GalleryStore):
    """The gallery of a name. A changing method waits until the server has it on the disk."""

    def __init__(self, client: QdrantClient, name: str, *, is_server: bool) -> None:
        """Use `create` or `open` instead."""
        self._client, self._name, self._is_server = client, name, is_server
        self._lock = threading.RLock()

    @classmethod
    def create(cls, address: str, settings: Mapping[str, Any]) -> "QdrantGallery":
        """Make an empty gallery; raises StoreError when it is there already, or the server cannot be used."""
        gallery = cls._connect(address)
        if gallery._ask("Opening", lambda client: client.collection_exists(gallery._about)):
            gallery.close()
            raise StoreError(f"There is a gallery {gallery._name} already. Choose another name.")
        one = models.VectorParams(size=1, distance=models.Distance.DOT)
        gallery._ask("Creating", lambda client: client.create_collection(gallery._about, vectors_config=one))
        collection = gallery._new_collection(int(settings["vector_dim"]), str(settings["metric"]))
        gallery._put(_SETTINGS, {**settings, "_collection": collection, "_columns": {}, "_next": 1})
        return gallery

    @classmethod
    def open(cls, address: str) -> "QdrantGallery":
        """Open a gallery; raises StoreError when there is none."""
        gallery = cls._connect(address)
        if not gallery._ask("Opening", lambda client: client.collection_exists(gallery._about)):
            gallery.close()
            raise StoreError(f"There is no gallery {gallery._name} on this server. Make one: foveal index.")
        return gallery

    @classmethod
    def _connect(cls, address: str) -> "QdrantGallery":
        found = _ADDRESS.fullmatch(address)
        if found is None:
            raise InputError(f"A gallery on Qdrant is qdrant://HOST:6333/NAME, got {address}.")
        kind, place, name = found.groups()
        client = QdrantClient(path=place) if kind == "local" else QdrantClient(url=f"{kind or 'http'}://{place}")
        return cls(client, name, is_server=kind != "local")

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    @property
    def _about(self) -> str:
        return f"{self._name}.about"

    @property
    def _collection(self) -> str:
        return str(self._everything()["_collection"])

    def _ask(self, doing: str, ask: Callable[[QdrantClient], T]) -> T:
        with self._lock:
            try:
                return ask(self._client)
            except (ApiException, OSError, ValueError) as problem:
                raise StoreError(f"{doing} on Qdrant: {problem}. Check the address and that it runs.") from None

    def _new_collection(self, dim: int, metric: str) -> str:
        name = f"{self._name}.{metric}"
        size = models.VectorParams(size=dim, distance=models.Distance.DOT, datatype=models.Datatype.FLOAT16)
        self._ask("Creating", lambda client: client.create_collection(name, vectors_config={_VECTOR: size}))
        if self._is_server:  # the small store has no indexes of its own
            by_item = models.PayloadSchemaType.KEYWORD
            self._ask("Creating", lambda client: client.create_payload_index(name, "item", by_item))
        return name

    # -- settings -----------------------------------------------------------------------------------------

    def _everything(self) -> dict[str, Any]:
        found = self._ask("Reading the settings", lambda client: client.retrieve(self._about, [_SETTINGS]))
        return dict(found[0].payload or {}) if found else {}

    def _put(self, number: int, payload: dict[str, Any]) -> None:
        point = models.PointStruct(id=number, vector=[0.0], payload=payload)
        self._ask("Changing settings", lambda client: client.upsert(self._about, [point], wait=True))

    @property
    def settings(self) -> dict[str, Any]:
        """What the gallery was made with, read afresh."""
        return {key: value for key, value in self._everything().items() if not key.startswith("_")}

    def update_settings(self, settings: Mapping[str, Any]) -> None:
        """Set some settings and keep the others."""
        with self._lock:
            self._put(_SETTINGS, {**self._everything(), **settings})

    # -- changing -----------------------------------------------------------------------------------------

    def add(self, pictures: Sequence[NewPicture], columns: Mapping[str, Columns]) -> list[int]:
        """Keep pictures in one request; returns their ids."""
        with self._lock:
            about = self._everything()
            check_fit(pictures, about)
            first = int(about["_next"])
            ids = list(range(first, first + len(pictures)))
            known = self._columns_of([new.item for new in pictures])
            plain = {item: plain_columns(values) for item, values in columns.items()}
            points = [
                models.PointStruct(
                    id=number,
                    vector={} if new.hidden else {_VECTOR: new.vector.astype(np.float16).tolist()},
                    payload=_to_payload(new, plain.get(new.item, known.get(new.item, {}))),
                )
                for number, new in zip(ids, pictures, strict=True)
            ]
            self._put(_SETTINGS, {**about, "_next": first + len(pictures), "_columns": _kinds(about, plain)})
            self._ask("Adding", lambda client: client.upsert(self._collection, points, wait=True))
            older = {item: values for item, values in columns.items() if item in known}
            if older:
                self.set_columns(older)
        return ids

    def set_columns(self, columns: Mapping[str, Columns]) -> None:
        """Replace the columns of items."""
        with self._lock:
            by_item = self.pictures_of(list(columns))
            refuse_unknown(columns, by_item)
            plain = {item: plain_columns(values) for item, values in columns.items()}
            about = self._everything()
            self._put(_SETTINGS, {**about, "_columns": _kinds(about, plain)})
            for item, values in plain.items():
                old = self._read(by_item[item][:1])[0].payload or {}
                gone = [key for key in old if key.startswith((NUMBERS, TEXTS))]
                self._replace(list(by_item[item]), gone, _to_fields(values))

    def _replace(self, points: list[Any], gone: list[str], fields: dict[str, Any]) -> None:
        """Drop payload fields of points and set others."""
        if gone:
            self._ask(
                "Changing columns", lambda client: client.delete_payload(self._collection, gone, points, wait=True)
            )
        self._ask("Changing columns", lambda client: client.set_payload(self._collection, fields, points, wait=True))

    def remove(self, items: Sequence[str]) -> int:
        """Take items out with all their pictures."""
        with self._lock:
            known = self.pictures_of(items)
            refuse_unknown(items, known)
            numbers: list[Any] = [number for found in known.values() for number in found]
            self._ask("Removing items", lambda client: client.delete(self._collection, numbers, wait=True))
            return len(numbers)

    def set_vectors(self, blocks: Iterator[tuple[Sequence[int], Float32s]], dim: int, metric: str) -> None:
        """Copy all pictures with their new vectors into a collection of the metric, then turn to it."""
        with self._lock:
            about = self._everything()
            old = str(about["_collection"])
            if self._ask("Opening", lambda client: client.collection_exists(f"{self._name}.{metric}")):
                self._ask("Creating", lambda client: client.delete_collection(f"{self._name}.{metric}"))
            new = self._new_collection(dim, metric)
            for numbers, vectors in blocks:
                rows = zip(self._read(numbers), vectors, strict=True)
                self._copy(
                    [(int(row.id), row.payload, vector.astype(np.float16).tolist()) for row, vector in rows], new
                )
            hidden = [kept.picture for kept in self.all_pictures() if kept.hidden]
            for start in range(0, len(hidden), _PAGE):
                self._copy([(int(row.id), row.payload, None) for row in self._read(hidden[start : start + _PAGE])], new)
            self._put(_SETTINGS, {**about, "_collection": new, "metric": metric, "vector_dim": dim})
            self._ask("Dropping", lambda client: client.delete_collection(old))

    def _copy(self, rows: list[tuple[int, Any, list[float] | None]], collection: str) -> None:
        points = [
            models.PointStruct(id=number, vector={} if vector is None else {_VECTOR: vector}, payload=payload)
            for number, payload, vector in rows
        ]
        self._ask("Changing the metric", lambda client: client.upsert(collection, points, wait=True))

    # -- searching ----------------------------------------------------------------------------------------

    def search(self, vectors: Float32s, k: int, *, where: Where | None = None, without: Sequence[int] = ()) -> Matches:
        """The best items for vectors float32 (q, dim)."""
        kept: list[Any] = []
        if where is not None:
            kinds = self.columns()
            check_columns(list_columns(where), kinds)
            check_kinds(where, kinds)
            kept.append(to_filter(where, self._values))
        gone: list[Any] = [models.HasIdCondition(has_id=[int(number) for number in without])] if without else []
        wanted = models.Filter(must=kept or None, must_not=gone or None)
        rows = []
        for vector in vectors:
            query = vector.astype(np.float16).astype(np.float32).tolist()
            found = self._ask(
                "Searching",
                lambda client, q=query: client.query_points_groups(  # type: ignore[misc]
                    self._collection, "item", query=q, using=_VECTOR, query_filter=wanted, limit=k, group_size=1,
                    with_payload=False,
                ),
            )  # fmt: skip
            best = sorted((group.hits[0] for group in found.groups), key=lambda hit: (-hit.score, int(hit.id)))
            rows.append(
                (np.array([int(hit.id) for hit in best], np.int64), np.array([hit.score for hit in best], np.float32))
            )
        return pack(rows, k)

    def _values(self, column: str) -> set[str]:
        """All texts of a column."""
        key = field(column, TEXT)
        return {str(row.payload[key]) for row in self._scroll([key]) if row.payload and key in row.payload}

    # -- reading ------------------------------------------------------------------------------------------

    def _read(self, pictures: Sequence[int]) -> list[Any]:
        numbers: list[Any] = [int(number) for number in pictures]
        found = self._ask("Reading items", lambda client: client.retrieve(self._collection, numbers, with_payload=True))
        known = {int(row.id): row for row in found}
        return [known[number] for number in numbers if number in known]

    def _scroll(self, keys: list[str], wanted: Any = None) -> Iterator[Any]:
        place: Any = None
        while True:
            rows, place = self._ask(
                "Reading items",
                lambda client, at=place: client.scroll(  # type: ignore[misc]
                    self._collection, scroll_filter=wanted, limit=_PAGE, offset=at, with_payload=keys
                ),
            )
            yield from rows
            if place is None:
                return

    def show(self, pictures: Sequence[int]) -> list[Shown]:
        """What is known of pictures."""
        return [
            Shown(int(row.id), p["item"], p["name"], p["path"], p["columns"])
            for row in self._read(pictures)
            if (p := row.payload)
        ]

    def pictures_of(self, items: Sequence[str]) -> dict[str, list[int]]:
        """Ids of the pictures of items."""
        if not items:
            return {}
        wanted = models.Filter(must=[models.FieldCondition(key="item", match=models.MatchAny(any=list(items)))])
        found: dict[str, list[int]] = {}
        for row in self._scroll(["item"], wanted):
            found.setdefault(str(row.payload["item"]), []).append(int(row.id))
        return {item: sorted(numbers) for item, numbers in found.items()}

    def _columns_of(self, items: Sequence[str]) -> dict[str, dict[str, Any]]:
        wanted = models.Filter(must=[models.FieldCondition(key="item", match=models.MatchAny(any=list(items)))])
        return {str(row.payload["item"]): row.payload["columns"] for row in self._scroll(["item", "columns"], wanted)}

    def codes(self, pictures: Sequence[int]) -> Code:
        """Codes int16 (n, d)."""
        rows = self._read(pictures)
        if len(rows) != len(pictures):
            raise InputError(f"{len(pictures) - len(rows)} of {len(pictures)} pictures are no longer in the gallery.")
        found = [np.frombuffer(base64.b64decode(row.payload["code"]), "<i2").astype(np.int16) for row in rows]
        return np.stack(found) if found else np.zeros((0, 0), np.int16)

    def all_pictures(self) -> list[Kept]:
        """Every picture by id."""
        rows = self._scroll(["item", "name", "path", "columns", "hidden"])
        kept = [
            Kept(int(row.id), p["item"], p["name"], p["path"], p["columns"], p["hidden"])
            for row in rows
            if (p := row.payload)
        ]
        return sorted(kept, key=lambda one: one.picture)

    def thumbnail(self, picture: int) -> bytes:
        """The small JPEG of a picture."""
        rows = self._read([picture])
        return base64.b64decode(rows[0].payload["thumbnail"]) if rows else b""

    def load_model(self) -> bytes | None:
        """The file of what was learned."""
        found = self._ask("Reading what was learned", lambda client: client.retrieve(self._about, [_MODEL]))
        return base64.b64decode((found[0].payload or {})["file"]) if found else None

    def save_model(self, file: bytes) -> None:
        """Keep the file of what was learned."""
        self._put(_MODEL, {"file": base64.b64encode(file).decode("ascii")})

    def measures(self) -> dict[int, tuple[Capture, Appearance]]:
        """What the files and pixels of all pictures say."""
        rows = self._scroll(["capture", "appearance"])
        return {
            int(row.id): (Capture(**row.payload["capture"]), _to_appearance(row.payload["appearance"])) for row in rows
        }

    def columns(self) -> dict[str, str]:
        """Names and kinds of the columns that any item ever had."""
        return dict(sorted(self._everything().get("_columns", {}).items()))

    def count(self) -> tuple[int, int]:
        """Number of items and of pictures that may be found."""
        items = [row.payload["item"] for row in self._scroll(["item", "hidden"]) if not row.payload["hidden"]]
        return len(set(items)), len(items)


def _kinds(about: Mapping[str, Any], columns: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    kinds: dict[str, str] = dict(about.get("_columns", {}))
    for values in columns.values():
        for name, value in values.items():
            if kinds.get(name) != NUMBER:
                kinds[name] = TEXT if isinstance(value, str) else NUMBER
    return kinds


def _to_fields(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Columns as people gave them, and each under a name that says its kind, to filter by."""
    fields: dict[str, Any] = {"columns": dict(columns)}
    for name, value in columns.items():
        fields[field(name, TEXT if isinstance(value, str) else NUMBER)] = (
            value if isinstance(value, str) else float(value)
        )
    return fields


def _to_payload(new: NewPicture, columns: Mapping[str, Any]) -> dict[str, Any]:
    appearance = asdict(new.appearance)
    return {
        "item": new.item,
        "name": new.name,
        "path": new.path,
        "subject": new.subject,
        "hidden": new.hidden,
        "code": base64.b64encode(new.code.astype("<i2").tobytes()).decode("ascii"),
        "thumbnail": base64.b64encode(new.thumbnail).decode("ascii"),
        "capture": asdict(new.capture),
        "appearance": appearance | {"fingerprint": str(appearance["fingerprint"])},  # 64 bits, more than JSON keeps
        **_to_fields(columns),
    }


def _to_appearance(plain: Mapping[str, Any]) -> Appearance:
    return Appearance(**{**plain, "fingerprint": int(plain["fingerprint"])})
