"""Made-up pictures of items, without any network."""

import numpy as np

from foveal.core.gallery import NewPicture
from foveal.core.image import Appearance, Capture

DIM, CODE = 16, 32
SETTINGS: dict = {"kind": "gallery", "metric": "first", "vector_dim": DIM, "dim": CODE, "name": "made"}


def vector_of(*numbers: float) -> np.ndarray:
    whole = np.zeros(DIM, np.float32)
    whole[: len(numbers)] = numbers
    return whole / np.linalg.norm(whole)


def new_picture(item: str, number: int, vector: np.ndarray | None = None, **changes) -> NewPicture:
    """A picture whose bytes, code and vector follow from its number."""
    chosen = np.random.default_rng(number)
    if vector is None:
        vector = chosen.normal(size=DIM).astype(np.float32)
        vector /= np.linalg.norm(vector)
    given = {
        "item": item,
        "name": f"{item}-{number}.jpg",
        "path": f"/pictures/{item}-{number}.jpg",
        "code": chosen.integers(-9000, 9000, CODE).astype(np.int16),
        "vector": vector,
        "capture": Capture(chosen.bytes(32).hex(), 1000 + number, "JPEG", 640, 480),
        "appearance": Appearance(int(chosen.integers(1 << 62)) * 2 + 1, 30.5, 120.0, 40.0, 110.0),
        "thumbnail": b"\xff\xd8\xff\xda" + chosen.bytes(600),
    }
    return NewPicture(**{**given, **changes})


def many(n: int, per_item: int = 1, first: int = 0) -> list[NewPicture]:
    return [new_picture(f"item-{(first + i) // per_item}", first + i) for i in range(n)]
