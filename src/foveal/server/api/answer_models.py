"""Shapes of questions and answers."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from foveal.server.api.models import Given


class PictureIn(Given):
    """A picture as JSON: its file in base64, or an address it may be fetched from."""

    base64: Annotated[str, StringConstraints(max_length=100_000_000)] | None = None
    url: Annotated[str, StringConstraints(max_length=2000)] | None = None
    evidence: bool = False
    keep: bool = False


class Answer(BaseModel):
    """An answer: of classes a prediction, of an inspector a verdict; fields are those of the Python values."""

    model_config = ConfigDict(extra="allow")

    origin: str
    flags: list[str]


class Asked(BaseModel):
    """A kept picture and why to ask about it."""

    name: str
    reason: str
    best: str
    label: str | None
    probability: float
    could_be: list[str]


class Queue(BaseModel):
    """Kept pictures whose labels would teach most, the best first."""

    asked: list[Asked]


class Wish(Given):
    """What is wanted of a search."""

    k: Annotated[int, Field(ge=1, le=1000)] = 10
    where: Annotated[str, StringConstraints(max_length=2000)] | None = None
    crop: Annotated[list[int], Field(min_length=4, max_length=4)] | Literal["auto"] | None = None
    mirror: bool = False
    like: Annotated[list[str], Field(default_factory=list, max_length=100)]
    unlike: Annotated[list[str], Field(default_factory=list, max_length=100)]
    cut_off: Annotated[float, Field(gt=0, lt=1)] | None = 0.5


class PictureWish(Wish):
    """A picture as JSON, and what is wanted of the search."""

    base64: Annotated[str, StringConstraints(max_length=100_000_000)] | None = None
    url: Annotated[str, StringConstraints(max_length=2000)] | None = None


class Hit(BaseModel):
    """One item found."""

    item: str
    name: str
    similarity: float
    probability: float | None
    columns: dict[str, Any]
    picture: int


class Found(BaseModel):
    """The answer to a search."""

    origin: str
    hits: list[Hit]
    others: list[Hit]
    cut_off: float | None
    reason: str
    flags: list[str]
    box: list[int] | None
