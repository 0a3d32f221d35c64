"""What changes workspaces: pictures in, teaching, corrections, classes, forgetting."""

import asyncio
import json
import os
import secrets
import shutil
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect

from foveal.core.errors import FovealError, InputError, StoreError
from foveal.server.api import change_models, models, workspace_models
from foveal.server.api.parts import JOB, PROBLEMS, finish
from foveal.server.guard import Administrator, ForbiddenError, Forgetter, HouseDep, Reader, Teacher
from foveal.server.house import SERVER, House
from foveal.server.intake import Arrived, check_label
from foveal.server.workspaces import Place, UnknownError
from foveal.store.workspace import Workspace

router = APIRouter(prefix="/v1/workspaces", tags=["changing"], responses=PROBLEMS)
DEFAULT_LABELS = {"gallery": "pictures", "inspector": "good"}  # of pictures in no folder
UPLOAD_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}},
                        "label": {"description": "text, the class: one for all files, or one for each"},
                        "columns": {"type": "string", "description": "JSON object of group, subject, or an item's data"},
                    },
                }
            }
        },
    }
}  # fmt: skip


@router.get("", response_model=workspace_models.WorkspaceList)
async def list_workspaces(house: HouseDep, caller: Reader) -> dict[str, Any]:
    """All workspaces."""
    places = house.workspaces.every()
    return {"workspaces": [await asyncio.to_thread(house.workspaces.summarize, place) for place in places]}


@router.post("", response_model=workspace_models.Workspace, status_code=201)
async def add_workspace(given: workspace_models.NewWorkspace, house: HouseDep, caller: Teacher) -> dict[str, Any]:
    """Make an empty workspace."""
    if given.address and not caller.may("admin"):
        raise ForbiddenError("Only administrators say which database server to connect to.")
    place = house.workspaces.create(caller.name, given.name, given.kind, given.address)
    return house.workspaces.summarize(place)


@router.get("/{name}", response_model=workspace_models.Workspace)
async def get_workspace(name: str, house: HouseDep, caller: Reader) -> dict[str, Any]:
    """One workspace."""
    return await asyncio.to_thread(house.workspaces.summarize, house.workspaces.get(name))


@router.delete("/{name}", status_code=204)
async def delete_workspace(name: str, house: HouseDep, caller: Administrator) -> None:
    """Delete a workspace with everything in it."""
    busy = [job for job in house.jobs.newest(workspace=name) if job["finished"] is None]
    if busy:
        raise InputError("A job is still at work in it. Cancel it first.")
    await asyncio.to_thread(house.workspaces.delete, caller.name, name)


# -- pictures ---------------------------------------------------------------------------------------------


@router.post("/{name}/pictures", response_model=workspace_models.Taken, openapi_extra=UPLOAD_BODY, status_code=201)
async def add_pictures(name: str, request: Request, house: HouseDep, caller: Teacher) -> Any:
    """Take pictures in; they wait until they are taught. A zip becomes a job that unpacks it."""
    place = house.workspaces.get(name)
    if place.is_remote:
        raise InputError("A gallery on a server takes pictures from the command line.")
    limits = house.options.limits
    async with request.form(max_files=limits.files, max_fields=2 * limits.files, max_part_size=1 << 20) as form:
        arrived = await _read_form(form, place, house)
    return {"files": await house.intake.take(caller.name, place, arrived)}


@router.post("/{name}/zips", response_model=models.Job, status_code=202, responses=JOB | {200: {"model": models.Job}})
async def add_zip(
    name: str,
    request: Request,
    response: Response,
    house: HouseDep,
    caller: Teacher,
    label: Annotated[str, Query(max_length=100)] = "",
) -> models.Job:
    """Take a zip in, as the body of the request: its folders are the classes, `label` is for what lies in none."""
    place = house.workspaces.get(name)
    default = check_label(label) if label else DEFAULT_LABELS.get(place.kind, "")
    folder = house.options.folder / SERVER / "zips" / secrets.token_hex(8)
    await asyncio.to_thread(folder.mkdir, parents=True)
    file = folder / "upload.zip"
    try:
        with file.open("wb") as out:
            async for chunk in request.stream():
                await asyncio.to_thread(out.write, chunk)
            out.flush()
            await asyncio.to_thread(os.fsync, out.fileno())
    except (FovealError, ClientDisconnect, OSError):
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        raise
    number = house.jobs.add(caller.name, "unpack", place.name, {"file": str(file), "label": default})
    return await finish(request, response, house, number)


async def _read_form(form: FormData, place: Place, house: House) -> list[Arrived]:
    files = [one for one in form.getlist("file") if isinstance(one, UploadFile)]
    labels = [one for one in form.getlist("label") if isinstance(one, str)]
    if not files:
        raise InputError("The form has no file named file.")
    if len(labels) not in (1, len(files)):
        default = DEFAULT_LABELS.get(place.kind)
        if labels or default is None:
            raise InputError(f"Give one label for all {len(files)} files, or one for each; got {len(labels)}.")
        labels = [default]
    accidents = {"null", "undefined"} & set(labels)
    if accidents:
        raise InputError(f"A class called {accidents.pop()} is a slip of the program that sent it.")
    checked = [check_label(label) for label in labels] * (len(files) if len(labels) == 1 else 1)
    columns = _read_columns(form.get("columns"))
    return [
        Arrived(file.filename or "picture", label, await file.read(), columns)
        for file, label in zip(files, checked, strict=True)
    ]


def _read_columns(text: object) -> dict[str, Any]:
    if not isinstance(text, str) or not text:
        return {}
    try:
        plain = json.loads(text)
    except ValueError:
        plain = None
    if (
        not isinstance(plain, dict)
        or any(isinstance(value, dict | list) for value in plain.values())
        or "path" in plain
    ):
        raise InputError('Columns are a JSON object of texts and numbers, such as {"group": "patient 17"}.')
    return {str(key)[:100]: value for key, value in plain.items() if key not in ("label", "category")}


@router.get("/{name}/pictures", response_model=workspace_models.Pictures)
async def list_pictures(
    name: str,
    house: HouseDep,
    caller: Reader,
    staged: Annotated[bool, Query(description="those that wait, rather than those taught")] = False,
    label: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    most: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """Pictures, page by page; `next` is the `after` of the next page."""
    place = house.workspaces.get(name)
    if staged:
        waiting = house.intake.staged(place, after=after, most=most + 1)
        rows = [{"id": r["id"], "name": r["name"], "labels": [r["label"]], "staged": True} for r in waiting]
    else:
        taught = await asyncio.to_thread(house.workspaces.rows, place) if not place.is_remote else []
        rows = [
            {"id": r.id, "name": r.name, "labels": list(r.labels), "not_labels": list(r.not_labels),
             "group": r.group, "staged": False}
            for r in taught
            if r.id > after and (not label or label in r.labels)
        ]  # fmt: skip
    more = str(rows[most - 1]["id"]) if len(rows) > most else None
    return {"pictures": rows[:most], "next": more}


@router.get(
    "/{name}/pictures/{number}/thumbnail", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}}
)
async def thumbnail(
    name: str, number: models.Number, house: HouseDep, caller: Reader, staged: bool = False
) -> Response:
    """The small JPEG of a picture."""
    place = house.workspaces.get(name, taught=not staged)
    if staged:
        data = house.intake.thumbnail(place, number)
    else:
        data = await asyncio.to_thread(_thumbnail, place, number)
    if not data:
        raise UnknownError("There is no such picture, or no small copy of it.")
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=300"})


def _thumbnail(place: Place, number: int) -> bytes:
    with Workspace.open(place.folder) as workspace, suppress(StoreError):
        return workspace.thumbnail(number)
    return b""


@router.delete("/{name}/pictures/{number}", status_code=204)
async def drop_picture(name: str, number: models.Number, house: HouseDep, caller: Teacher) -> None:
    """Take a picture that waits away again; taught ones are forgotten instead."""
    place = house.workspaces.get(name)
    if not house.intake.drop(caller.name, place, [number]):
        raise UnknownError("No such picture waits to be taught.")


# -- jobs that change -------------------------------------------------------------------------------------


@router.post("/{name}/teach", response_model=models.Job, responses=JOB)
async def teach(
    name: str, given: change_models.Teaching, request: Request, response: Response, house: HouseDep, caller: Teacher
) -> models.Job:
    """Teach the pictures that wait, then measure; of a gallery, index them."""
    place = house.workspaces.get(name)
    if not house.intake.staged(place, most=1):
        raise InputError("No pictures wait to be taught. Upload some first.")
    kind = "index" if place.kind == "gallery" else "teach"
    arguments = {} if kind == "index" else given.model_dump(exclude_none=True)
    return await finish(request, response, house, house.jobs.add(caller.name, kind, name, arguments))


@router.post("/{name}/evaluate", response_model=models.Job, responses=JOB)
async def evaluate(name: str, request: Request, response: Response, house: HouseDep, caller: Teacher) -> models.Job:
    """Measure and examine again."""
    house.workspaces.get(name, "classes", "inspector", taught=True)
    return await finish(request, response, house, house.jobs.add(caller.name, "measure", name, {}))


@router.get("/{name}/figures", response_model=dict[str, Any])
async def figures(name: str, house: HouseDep, caller: Reader) -> Any:
    """What was measured and found last."""
    house.workspaces.get(name)
    kept = house.workspaces.figures(name)
    if not kept:
        raise UnknownError("Nothing was measured since something changed. POST to .../evaluate.")
    return json.loads(kept)


@router.post("/{name}/correct", response_model=models.Job, responses=JOB)
async def correct(
    name: str, given: change_models.Correction, request: Request, response: Response, house: HouseDep, caller: Teacher
) -> models.Job:
    """Set the right label of taught pictures, or say what they are not."""
    house.workspaces.get(name, "classes", taught=True)
    if (given.label is None) == (given.is_not is None):
        raise InputError("Say either the right label or what the pictures are not, and not both.")
    label = check_label(given.label) if given.label else None
    arguments = {"ids": given.pictures, "label": label, "is_not": given.is_not}
    return await finish(request, response, house, house.jobs.add(caller.name, "relabel", name, arguments))


@router.post("/{name}/classes", response_model=models.Job, responses=JOB)
async def rename(
    name: str, given: change_models.Renaming, request: Request, response: Response, house: HouseDep, caller: Teacher
) -> models.Job:
    """Rename classes, or merge them by giving several one name."""
    house.workspaces.get(name, "classes", taught=True)
    names = {old: check_label(new) for old, new in given.names.items()}
    return await finish(request, response, house, house.jobs.add(caller.name, "rename", name, {"names": names}))


@router.post("/{name}/forget", response_model=models.Job, responses=JOB)
async def forget(
    name: str, given: change_models.Forgetting, request: Request, response: Response, house: HouseDep, caller: Forgetter
) -> models.Job:
    """Erase pictures everywhere, with a signed certificate in the result."""
    house.workspaces.get(name, taught=True)
    if given.by == "picture" and not all(
        value.isascii() and value.isdigit() and len(value) < 16 for value in given.values
    ):
        raise InputError("Pictures are named by their numbers.")
    return await finish(request, response, house, house.jobs.add(caller.name, "forget", name, given.model_dump()))


@router.put("/{name}/false-alarms", response_model=models.Job, responses=JOB)
async def choose_false_alarms(
    name: str,
    request: Request,
    response: Response,
    house: HouseDep,
    caller: Teacher,
    rate: Annotated[float, Query(gt=0, le=0.5)],
) -> models.Job:
    """Promise another share of false alarms."""
    house.workspaces.get(name, "inspector", taught=True)
    return await finish(request, response, house, house.jobs.add(caller.name, "choose", name, {"false_alarms": rate}))
