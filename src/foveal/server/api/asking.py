"""Answers for pictures: look, find, recommend, and what to ask people about."""

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import JSONResponse

from foveal.core.errors import InputError
from foveal.server.api import answer_models, change_models, models
from foveal.server.api.parts import JOB, PICTURE_BODY, PROBLEMS, finish, look_limits, read_picture
from foveal.server.guard import HouseDep, Looker, Reader, Teacher
from foveal.workflows.reviewing import read_kept

router = APIRouter(prefix="/v1/workspaces/{name}", tags=["asking"], responses=PROBLEMS)
SHOWN = "application/vnd.foveal.shown+json"  # asked for by the page: the answer with its pictures inside
FIND_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": PICTURE_BODY["requestBody"]["content"]["multipart/form-data"],
            "application/json": {"schema": {"$ref": "#/components/schemas/PictureWish"}},
        },
    }
}


def data_uri(jpeg: bytes, kind: str = "jpeg") -> str:
    """A picture inside a page."""
    return f"data:image/{kind};base64,{base64.b64encode(jpeg).decode()}" if jpeg else ""


@router.post("/look", response_model=answer_models.Answer, openapi_extra=PICTURE_BODY)
async def look(name: str, request: Request, house: HouseDep, caller: Looker) -> dict[str, Any]:
    """Answer for one picture: sent as a form, as JSON, or by itself."""
    place = house.workspaces.get(name, "classes", "inspector", taught=True)
    origin, data, given = await read_picture(request, house, answer_models.PictureIn)
    shown = request.headers.get("accept") == SHOWN
    asked = {
        "task": "look", "folder": place.address, "kind": place.kind, "origin": origin, "evidence": given.evidence,
        "show": shown, "keep": given.keep and place.kind == "classes",
        "keep_metadata": bool(given.keep and house.state.choice("keep_metadata", False)), **look_limits(house),
    }  # fmt: skip
    plain, blobs = await house.pool.ask(asked, [data])
    return _with_layers(plain, blobs) if shown else plain


def _with_layers(plain: dict[str, Any], blobs: list[bytes]) -> dict[str, Any]:
    layers = {"picture": data_uri(blobs[0]), "heat": data_uri(blobs[1])}
    if "decided" in plain:
        for one, jpeg in zip(plain["decided"], blobs[2:], strict=True):
            one["thumbnail"] = data_uri(jpeg)
    elif len(blobs) > 2:
        layers["good"] = data_uri(blobs[2])
    return {**plain, **layers}


@router.post("/find", response_model=answer_models.Found, openapi_extra=FIND_BODY)
async def find(name: str, request: Request, house: HouseDep, caller: Looker) -> Any:
    """Search a gallery by one picture."""
    place = house.workspaces.get(name, "gallery", taught=True)
    origin, data, given = await read_picture(request, house, answer_models.PictureWish)
    wish = given.model_dump(exclude={"base64", "url"})
    shown, why = request.headers.get("accept") == SHOWN, "why" in request.query_params
    asked = {"task": "find", "folder": place.address, "origin": origin, "wish": wish, "show": shown, "why": why}
    plain, blobs = await house.pool.ask({**asked, **look_limits(house)}, [data])
    if not shown:
        return plain
    return JSONResponse({"sheet": data_uri(blobs[0], "png")} if why else _with_thumbnails(plain, blobs))


def _with_thumbnails(plain: dict[str, Any], blobs: list[bytes]) -> dict[str, Any]:
    for hit, jpeg in zip([*plain["hits"], *plain["others"]], blobs, strict=True):
        hit["thumbnail"] = data_uri(jpeg)
    return plain


@router.get("/recommendations", response_model=answer_models.Found)
async def recommend(
    name: str,
    request: Request,
    house: HouseDep,
    caller: Looker,
    liked: Annotated[list[str], Query(min_length=1, max_length=100)],
    bought: Annotated[list[str] | None, Query(max_length=100)] = None,
    k: Annotated[int, Query(ge=1, le=1000)] = 10,
) -> Any:
    """Items like the liked ones, varied, without these and what was bought."""
    place = house.workspaces.get(name, "gallery", taught=True)
    shown = request.headers.get("accept") == SHOWN
    asked = {"task": "suggest", "folder": place.address, "liked": liked, "bought": bought or [], "k": k, "show": shown}
    plain, blobs = await house.pool.ask(asked)
    return JSONResponse(_with_thumbnails(plain, blobs)) if shown else plain


@router.get("/queue", response_model=answer_models.Queue)
async def queue(
    name: str, house: HouseDep, caller: Looker, most: Annotated[int, Query(ge=1, le=200)] = 24
) -> dict[str, Any]:
    """Kept pictures whose labels would teach most: wide sets and odd ones first, none like another."""
    place = house.workspaces.get(name, "classes", taught=True)
    plain, _ = await house.pool.ask({"task": "queue", "folder": place.address, "most": most})
    return plain


@router.get("/queue/{kept}/picture", response_class=Response, responses={200: {"content": {"image/*": {}}}})
async def kept_picture(name: str, kept: str, house: HouseDep, caller: Reader) -> Response:
    """The file of a kept picture."""
    place = house.workspaces.get(name, "classes", taught=True)
    one, data = read_kept(place.folder, kept)
    kind = one.path.rpartition(".")[2]
    return Response(data, media_type=f"image/{kind}")


@router.post("/queue/settle", response_model=models.Job, responses=JOB)
async def settle(
    name: str, given: change_models.Settling, request: Request, response: Response, house: HouseDep, caller: Teacher
) -> models.Job:
    """Teach kept pictures as what people say they show or do not show; with neither, forget them."""
    place = house.workspaces.get(name, "classes", taught=True)
    if given.label is not None and given.is_not is not None:
        raise InputError("Say either what the pictures show or what they do not, and not both.")
    if given.label is None and given.is_not is None:
        number = house.jobs.add(caller.name, "expire", place.name, {"names": given.names})
    else:
        number = house.jobs.add(caller.name, "answer", place.name, given.model_dump())
    return await finish(request, response, house, number)
