"""Shapes that every part of the API uses."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Label = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Number = Annotated[int, Field(ge=0, le=2**53)]


class Given(BaseModel):
    """Something that is sent: fields that are not known are refused, and so are values of another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None
    errors: list[dict[str, str]] | None = None


class Progress(BaseModel):
    """How far a job is; `total` is 0 where that is not known."""

    stage: str
    done: int
    total: int


class Job(BaseModel):
    """Long work and what became of it."""

    id: str
    kind: str
    workspace: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    who: str
    created: float
    finished: float | None
    problem: str | None
    progress: Progress
    result: dict[str, Any] | None


class Jobs(BaseModel):
    """A page of jobs, the newest first."""

    jobs: list[Job]
    next: str | None
