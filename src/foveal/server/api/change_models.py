"""Shapes of what changes a workspace."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from foveal.server.api.models import Given, Label, Number


class Teaching(Given):
    """How to teach."""

    single: bool = Field(False, description="file neighbors that look alike are different things")
    false_alarms: Annotated[float, Field(gt=0, le=0.5)] | None = None


class Correction(Given):
    """What taught pictures show, or do not."""

    pictures: Annotated[list[Number], Field(min_length=1, max_length=10_000)]
    label: Label | None = None
    is_not: Label | None = None


class Renaming(Given):
    """Classes and their new names; two of one name become one."""

    names: Annotated[dict[Label, Label], Field(min_length=1, max_length=1000)]


class Forgetting(Given):
    """What is to be forgotten: pictures by number, or groups, or subjects."""

    by: Literal["picture", "group", "subject"] = "picture"
    values: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=1000)]], Field(min_length=1, max_length=10_000)
    ]


class Settling(Given):
    """What kept pictures show, or do not; neither drops them."""

    names: Annotated[list[Annotated[str, StringConstraints(max_length=100)]], Field(min_length=1, max_length=1000)]
    label: Label | None = None
    is_not: Label | None = None
