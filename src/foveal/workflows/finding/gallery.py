"""An open gallery: its store, its backbone and what it learned."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foveal.backbones.catalog import DEFAULT, Options
from foveal.backbones.text_pair import TextPair, open_text_pair
from foveal.core.contracts import Backbone, Code, Float32s
from foveal.core.errors import FovealError, InputError, ModelError, StoreError
from foveal.core.gallery import GALLERY, GalleryStore
from foveal.core.image import Image
from foveal.memory.codes import make_code
from foveal.store.database import DATABASE
from foveal.store.gallery.local import LocalGallery
from foveal.workflows.finding.model import GalleryModel, blank_model, model_from_bytes, model_to_bytes
from foveal.workflows.model_file import describe_source, open_source
from foveal.workflows.seeing import KEEP, Eye, count_threads

QUERIES, QUERIES_KIND = "queries", "queries"  # the folder of kept queries inside a gallery's, and its kind
THUMBNAIL = 256  # pixels: enough to draw evidence where the picture itself is gone
SERVERS = ("postgresql://", "postgres://", "qdrant://", "qdrant+http://", "qdrant+https://", "qdrant+local://")
Seer = Backbone | TextPair


@dataclass(frozen=True)
class GalleryChoices:
    """How a new gallery is made; an existing one keeps what it was made with.

    `text` is the name or path of a text-image pair, which replaces the backbone.
    """

    backbone: str = DEFAULT
    options: Options = field(default_factory=Options)
    text: str = ""
    name: str = ""


@dataclass(eq=False)
class OpenGallery:
    """A gallery ready for use. Safe to use from several threads."""

    store: GalleryStore
    settings: dict[str, Any]
    seer: Seer
    address: str
    _model: GalleryModel | None = None
    _metric: str = ""
    _lock: Any = field(default_factory=threading.Lock, repr=False)

    @property
    def backbone(self) -> Backbone | None:
        """What shows where pictures match; None where a text-image pair sees."""
        return self.seer if isinstance(self.seer, Backbone) else None

    @property
    def pair(self) -> TextPair | None:
        """What understands words; None where a backbone sees."""
        return self.seer if isinstance(self.seer, TextPair) else None

    @property
    def local(self) -> LocalGallery:
        """The store of a gallery in a folder; raises InputError for one on a server."""
        if not isinstance(self.store, LocalGallery):
            raise InputError(f"{self.address} is on a server; this needs a gallery in a folder.")
        return self.store

    @property
    def folder(self) -> Path:
        """The folder of a gallery; raises InputError for one on a server."""
        return self.local.folder

    @property
    def model(self) -> GalleryModel:
        """What it learned, read again when another process has learned since."""
        with self._lock:
            metric = str(self.store.settings.get("metric", ""))
            if self._model is None or metric != self._metric:
                self._model, self._metric = self._load_model(metric), metric
            return self._model

    def _load_model(self, metric: str) -> GalleryModel:
        data = self.store.load_model()
        model = blank_model(self.dim) if data is None else model_from_bytes(data)
        if model.metric.id != metric:
            raise ModelError(
                "What the gallery learned is missing, as after a forgetting that was cut short. Learn it again: "
                "foveal index CATALOGUE --into GALLERY --learn"
            )
        return model

    @property
    def dim(self) -> int:
        """Length of a code."""
        return int(self.settings["dim"])

    @property
    def side(self) -> int:
        """Pixels of the short side that a picture is read with."""
        return round(self.seer.card.input_size * KEEP)

    def embed(self, image: Image) -> Code:
        """The code of an image, int16 (dim,)."""
        return make_code(self.seer.pool(image))

    def eye(self) -> Eye:
        """How its pictures become codes."""
        return Eye(self.embed, self.side, THUMBNAIL)

    def project(self, codes: Code) -> Float32s:
        """Vectors of codes (n, dim) under the metric in use."""
        return self.model.metric.project(codes)

    def keep_model(self, model: GalleryModel) -> None:
        """Use and keep what was learned, with all vectors made anew where the metric changed."""
        if model.metric.id != str(self.store.settings.get("metric", "")):
            numbers = [kept.picture for kept in self.store.all_pictures() if not kept.hidden]
            blocks = (
                (part, model.metric.project(self.store.codes(part)))
                for part in (numbers[start : start + 1024] for start in range(0, len(numbers), 1024))
            )
            self.store.set_vectors(blocks, model.metric.dim, model.metric.id)
        self.store.save_model(model_to_bytes(model, self.settings))
        with self._lock:
            self._model, self._metric = model, model.metric.id

    def close(self) -> None:
        """Let go of files and connections."""
        self.store.close()

    def __enter__(self) -> "OpenGallery":
        """Return itself."""
        return self

    def __exit__(self, *problem: object) -> None:
        """Close."""
        self.close()


def is_server(address: str) -> bool:
    """Whether an address names a server rather than a folder."""
    return address.startswith(SERVERS)


def open_gallery(address: str | Path) -> OpenGallery:
    """Open the gallery in a folder or on a server (postgresql://..., qdrant://...).

    Raises StoreError where there is none, ModelError where its backbone is not the one it was made with.
    """
    store = _open_store(str(address))
    try:
        settings = store.settings
        seer = _open_kept(settings, address)
    except FovealError:
        store.close()
        raise
    return OpenGallery(store, settings, seer, str(address))


def _open_kept(settings: Mapping[str, Any], address: str | Path) -> Seer:
    """Open what a gallery sees with, and check that it is what its codes were made with."""
    if settings.get("kind") != GALLERY:
        raise StoreError(f"{address} holds no gallery. Make one: foveal index CATALOGUE --into {address}")
    seer = _open_seer(settings["backbone"])
    if seer.id != settings["backbone_id"]:
        raise InputError(
            f"{address} holds codes of {settings['backbone_id']}, but {seer.id} was opened; codes of different backbones "
            "cannot be compared. Install the backbone it was made with, or index anew."
        )
    return seer


def holds_gallery(address: str | Path) -> bool:
    """Whether a folder or server holds a gallery."""
    if is_server(str(address)):
        try:
            _open_store(str(address)).close()
        except StoreError:  # what else is wrong shows when it is made
            return False
        return True
    if not (Path(address) / DATABASE).exists():
        return False
    store = LocalGallery.open(Path(address))
    try:
        return bool(store.settings.get("kind") == GALLERY)
    finally:
        store.close()


def create_gallery(address: str | Path, choices: GalleryChoices, name: str) -> OpenGallery:
    """Make an empty gallery; raises StoreError where something is there already."""
    seeing = {"text": choices.text} if choices.text else describe_source(choices.backbone, choices.options)
    source = {**seeing, "finds": True}
    seer = _open_seer(source)
    model = blank_model(seer.dim)
    settings = {
        "kind": GALLERY,
        "name": choices.name or name,
        "backbone": source,
        "backbone_id": seer.id,
        "backbone_card": seer.card.to_dict(),
        "dim": seer.dim,
        "metric": model.metric.id,
        "vector_dim": model.metric.dim,
    }
    store = _create_store(str(address), settings)
    return OpenGallery(store, store.settings, seer, str(address))


def _open_seer(source: Mapping[str, Any]) -> Seer:
    if source.get("text"):
        return open_text_pair(str(source["text"]))
    return open_source({key: value for key, value in source.items() if key != "finds"})


def _open_store(address: str) -> GalleryStore:
    if address.startswith("qdrant"):
        from foveal.store.gallery.qdrant import QdrantGallery

        return QdrantGallery.open(address)
    if is_server(address):
        from foveal.store.gallery.postgres import PostgresGallery

        return PostgresGallery.open(address)
    return LocalGallery.open(Path(address), threads=count_threads())


def _create_store(address: str, settings: Mapping[str, Any]) -> GalleryStore:
    if address.startswith("qdrant"):
        from foveal.store.gallery.qdrant import QdrantGallery

        return QdrantGallery.create(address, settings)
    if is_server(address):
        from foveal.store.gallery.postgres import PostgresGallery

        return PostgresGallery.create(address, settings)
    return LocalGallery.create(Path(address), settings, threads=count_threads())
