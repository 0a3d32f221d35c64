"""Texts of the page, from one catalogue file that others can translate."""

import json
from functools import cache
from importlib import resources
from typing import final

LANGUAGE = "en"


@final
class Texts:
    """Texts of one language by key."""

    def __init__(self, plain: dict[str, str]) -> None:
        self._plain = plain

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key with its places filled; raises KeyError for a key that the catalogue does not have."""
        return self._plain[key].format(**values) if values else self._plain[key]

    def __contains__(self, key: object) -> bool:
        """Whether there is a text of this key."""
        return key in self._plain

    def for_scripts(self) -> dict[str, str]:
        """The texts that scripts use, without the beginning of their keys."""
        return {key.removeprefix("js."): text for key, text in self._plain.items() if key.startswith("js.")}

    def every(self) -> frozenset[str]:
        """All keys."""
        return frozenset(self._plain)


@cache
def read_texts(language: str = LANGUAGE) -> Texts:
    """The catalogue of a language."""
    file = resources.files("foveal.server.pages").joinpath(f"texts.{language}.json")
    return Texts(json.loads(file.read_text("utf-8")))
