"""Long work: its state, its progress as server-sent events, and how to cancel it."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from foveal.core.errors import InputError
from foveal.server.api import models
from foveal.server.api.parts import PROBLEMS
from foveal.server.guard import HouseDep, Reader, Teacher
from foveal.server.house import House
from foveal.server.workspaces import UnknownError

EVENT = {"type": "object", "properties": {"event": {"const": "job"}, "data": {"type": "string"}}}
router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=PROBLEMS)


@router.get("", response_model=models.Jobs)
async def list_jobs(
    house: HouseDep,
    caller: Reader,
    workspace: Annotated[str, Query(max_length=48)] = "",
    before: Annotated[
        str, Query(pattern=r"^[0-9]{0,12}(\.[0-9]{1,9})?$", description="`next` of the page before")
    ] = "",
    most: Annotated[int, Query(ge=1, le=200)] = 50,
) -> dict[str, Any]:
    """Jobs, the newest first, page by page."""
    found = house.jobs.newest(
        before=float(before) if before not in ("", ".") else 0.0, most=most + 1, workspace=workspace
    )
    more = f"{found[most - 1]['created']:.6f}" if len(found) > most else None
    return {"jobs": found[:most], "next": more}


@router.get("/{number}", response_model=models.Job)
async def get_job(number: str, house: HouseDep, caller: Reader) -> dict[str, Any]:
    """One job."""
    return _get(house, number)


@router.post("/{number}/cancel", response_model=models.Job)
async def cancel_job(number: str, house: HouseDep, caller: Teacher) -> dict[str, Any]:
    """Cancel a job that has not ended; what it acknowledged already stays."""
    _get(house, number)
    if not house.jobs.cancel(caller.name, number):
        raise InputError("It has ended already.")
    return _get(house, number)


@router.get(
    "/{number}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": EVENT}}, "description": "Events"}},
)
async def follow_job(number: str, house: HouseDep, caller: Reader) -> StreamingResponse:
    """The job now and after each change, as server-sent events, until it has ended."""
    _get(house, number)
    return StreamingResponse(
        _events(house, number), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def _events(house: House, number: str) -> AsyncIterator[str]:
    async for job in house.jobs.follow(number):
        yield f"event: job\ndata: {json.dumps(job)}\n\n"


def _get(house: House, number: str) -> dict[str, Any]:
    job = house.jobs.get(number)
    if job is None:
        raise UnknownError("There is no such job.")
    return job
