"""Shapes of workspaces and of the pictures in them."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from foveal.server.api.models import Given


class Workspace(BaseModel):
    """Something that can be taught and asked."""

    name: str
    kind: Literal["classes", "inspector", "gallery"]
    taught: bool
    staged: int
    pictures: int
    classes: dict[str, int]
    items: int = 0


class WorkspaceList(BaseModel):
    """All workspaces."""

    workspaces: list[Workspace]


class NewWorkspace(Given):
    """A workspace to be made."""

    name: Annotated[str, StringConstraints(pattern="^[a-z0-9][a-z0-9-]{0,47}$")]
    kind: Literal["classes", "inspector", "gallery"] = "classes"
    address: Annotated[str, StringConstraints(max_length=500)] = ""


class TakenIn(BaseModel):
    """What became of one file."""

    name: str
    state: Literal["staged", "known", "refused"]
    label: str | None = None
    reason: str | None = None
    width: int | None = None
    height: int | None = None
    format: str | None = None
    flags: list[str] = Field(default_factory=list)


class Taken(BaseModel):
    """What became of all files of a request, in order."""

    files: list[TakenIn]


class Picture(BaseModel):
    """A picture that is taught, or waits to be."""

    id: int
    name: str
    labels: list[str]
    not_labels: list[str] = Field(default_factory=list)
    group: str | None = None
    staged: bool


class Pictures(BaseModel):
    """A page of pictures."""

    pictures: list[Picture]
    next: str | None
