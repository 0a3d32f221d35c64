"""Shapes of what the API takes and gives."""

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
    flags: list[str] = []


class Taken(BaseModel):
    """What became of all files of a request, in order."""

    files: list[TakenIn]


class Picture(BaseModel):
    """A picture that is taught, or waits to be."""

    id: int
    name: str
    labels: list[str]
    not_labels: list[str] = []
    group: str | None = None
    staged: bool


class Pictures(BaseModel):
    """A page of pictures."""

    pictures: list[Picture]
    next: str | None


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
    like: Annotated[list[str], Field(max_length=100)] = []
    unlike: Annotated[list[str], Field(max_length=100)] = []
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
