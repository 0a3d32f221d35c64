"""The application: routes, edges and errors put together."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from foveal import __version__
from foveal.core.errors import FovealError
from foveal.server import openid
from foveal.server.api import admin, answer_models, asking, changing, jobs, models, rekognition, trust, watching
from foveal.server.api.parts import PROBLEMS, TypeRefusedError
from foveal.server.edges import Bodies, Outside, write_log
from foveal.server.guard import ForbiddenError, HouseDep, NobodyError
from foveal.server.house import House
from foveal.server.pages import routes
from foveal.server.problems import on_foveal_error, on_http_error, on_invalid, respond
from foveal.server.repeating import Repeats

API = (asking, changing, jobs, trust, watching, admin)


def make_app(house: House, *, log: Callable[[str], None] = write_log) -> Any:
    """The ASGI application of a server."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        await house.start()
        yield
        await house.stop()

    app = FastAPI(
        title="foveal", version=__version__, lifespan=life, docs_url=None, redoc_url=None, redirect_slashes=False,
        description="Image recognition you can teach, trust, correct and take away from, on your own machine.",
    )  # fmt: skip
    app.state.house = house
    for module in API:
        app.include_router(module.router)
    app.include_router(_health())
    for module in (routes, openid, rekognition):
        app.include_router(module.router)
    _add_errors(app)
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        return _complete(describe())

    app.openapi = openapi  # type: ignore[method-assign]
    inner = Bodies(Repeats(app, state=house.state), limits=house.options.limits, counters=house.counters)
    return Outside(inner, counters=house.counters, secure=house.options.is_secure, log=log)


def _health() -> Any:
    router = APIRouter(tags=["health"])

    @router.get("/healthz", response_class=PlainTextResponse)
    async def healthz() -> str:
        """Whether the server runs."""
        return "ok\n"

    @router.get("/readiness", response_class=PlainTextResponse, responses={503: {"description": "Not yet"}})
    async def readiness(house: HouseDep) -> Response:
        """Whether it can answer for pictures."""
        ready = house.pool.is_ready
        return PlainTextResponse("ready\n" if ready else "starting\n", 200 if ready else 503)

    @router.get("/metrics", response_class=PlainTextResponse)
    async def metrics(house: HouseDep) -> Response:
        """Figures for Prometheus; they name no person and no picture."""
        return PlainTextResponse(house.counters.expose(), media_type="text/plain; version=0.0.4")

    return router


def _add_errors(app: FastAPI) -> None:
    async def foveal_error(request: Request, problem: Exception) -> JSONResponse:
        return on_foveal_error(request, problem)

    async def http_error(request: Request, problem: Exception) -> JSONResponse:
        return on_http_error(request, problem)

    async def invalid(request: Request, problem: Exception) -> JSONResponse:
        return on_invalid(request, problem)

    async def nobody(request: Request, problem: Exception) -> JSONResponse:
        return respond(401, "sign-in-first", str(problem), request)

    async def forbidden(request: Request, problem: Exception) -> JSONResponse:
        return respond(403, "forbidden", str(problem), request)

    async def wrong_type(request: Request, problem: Exception) -> JSONResponse:
        return respond(415, "content", str(problem), request)

    async def signed_out(request: Request, problem: Exception) -> Response:
        return RedirectResponse("/sign-in", 303)

    app.add_exception_handler(routes.SignedOutError, signed_out)
    for kind, handler in (
        (FovealError, foveal_error), (HTTPException, http_error), (RequestValidationError, invalid),
        (ValidationError, invalid), (NobodyError, nobody), (ForbiddenError, forbidden), (TypeRefusedError, wrong_type),
        (Exception, http_error),
    ):  # fmt: skip
        app.add_exception_handler(kind, handler)


def _complete(plain: dict[str, Any]) -> dict[str, Any]:
    """The description with the shapes that only requests name, and without the framework's own shape of errors."""
    schemas = plain.setdefault("components", {}).setdefault("schemas", {})
    for shape in (models.Problem, answer_models.PictureIn, answer_models.PictureWish):
        schema = shape.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[shape.__name__] = schema
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path, methods in plain["paths"].items():
        for operation in methods.values():
            if path.startswith("/v1"):
                operation["responses"] |= {str(status): told for status, told in PROBLEMS.items()}
    return plain
