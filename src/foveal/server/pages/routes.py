"""The pages and what signs people in and out of them."""

import asyncio
import hmac
import mimetypes
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from foveal.server.accounts import ROLES, SCOPES, SESSION_S, Caller, SignInError, WaitError
from foveal.server.children import LostError
from foveal.server.guard import COOKIE, SECURE_COOKIE, ForbiddenError, HouseDep, caller_of
from foveal.server.house import LOOKED_DAYS, House
from foveal.server.pages import gathering
from foveal.server.pages.drawing import TABS, draw_page, read_static
from foveal.server.workspaces import KINDS, Place, UnknownError

router = APIRouter(include_in_schema=False)
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-same-origin"


class SignedOutError(Exception):
    """A page was asked for by nobody who is signed in."""


async def _signed_in(request: Request) -> Caller:
    caller = caller_of(request, None)
    if caller is None:
        raise SignedOutError
    return caller


Person = Annotated[Caller, Depends(_signed_in)]


# -- signing in -------------------------------------------------------------------------------------------


@router.get("/sign-in")
async def sign_in_page(house: HouseDep, request: Request) -> Response:
    """The form."""
    if caller_of(request, None):
        return RedirectResponse("/", 303)
    return draw_page("sign_in", None, openid=house.options.open_id)


@router.post("/sign-in")
async def sign_in(
    request: Request, house: HouseDep, name: Annotated[str, Form()] = "", password: Annotated[str, Form()] = ""
) -> Response:
    """Begin a session."""
    _check_origin(request)
    address = request.client.host if request.client else ""
    try:
        token = await asyncio.to_thread(house.accounts.sign_in, name.strip().lower(), password[:1024], address)
    except (SignInError, WaitError) as problem:
        status = 429 if isinstance(problem, WaitError) else 401
        response = draw_page("sign_in", None, status=status, problem=str(problem), openid=house.options.open_id)
        if isinstance(problem, WaitError):
            response.headers["Retry-After"] = str(problem.after_s)
        return response
    return keep_session(house, token)


def keep_session(house: House, token: str) -> Response:
    """Go on to the first page with the session's cookie."""
    response = RedirectResponse("/", 303)
    secure = house.options.is_secure
    response.set_cookie(
        SECURE_COOKIE if secure else COOKIE, token, max_age=int(SESSION_S), httponly=True, secure=secure,
        samesite="lax" if house.options.open_id else "strict", path="/",
    )  # fmt: skip
    return response


def _check_origin(request: Request) -> None:
    origin = request.headers.get("origin")
    if origin and origin != "null" and urlsplit(origin).netloc != request.headers.get("host"):
        raise ForbiddenError("This came from another page.")


@router.post("/sign-out")
async def sign_out(request: Request, house: HouseDep, caller: Person, csrf: Annotated[str, Form()] = "") -> Response:
    """End the session."""
    if not hmac.compare_digest(csrf, caller.csrf or ""):
        raise ForbiddenError("The token of the page is missing or old. Load the page again.")
    name = SECURE_COOKIE if house.options.is_secure else COOKIE
    house.accounts.sign_out(request.cookies.get(name, ""))
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(name, path="/", secure=house.options.is_secure, httponly=True)
    return response


@router.get("/static/{name}")
async def static(name: str) -> Response:
    """Styles, scripts and signs of the pages."""
    data = read_static(name)
    if data is None:
        raise UnknownError("There is no such file.")
    kind = "application/manifest+json" if name.endswith(".webmanifest") else mimetypes.guess_type(name)[0]
    return Response(
        data, media_type=kind or "application/octet-stream", headers={"Cache-Control": "public, max-age=3600"}
    )


# -- pages ------------------------------------------------------------------------------------------------


@router.get("/")
async def home(house: HouseDep, caller: Person) -> HTMLResponse:
    """All workspaces, and how to begin another."""
    places = house.workspaces.every()
    told = [await asyncio.to_thread(house.workspaces.summarize, place) for place in places]
    return draw_page("home", caller, here="/", workspaces=told, kinds=KINDS, first_tab=_first_tab)


def _first_tab(summary: dict[str, Any]) -> str:
    return TABS[summary["kind"]][1 if summary["taught"] else 0]


@router.get("/w/{name}/teach")
async def teach(name: str, house: HouseDep, caller: Person) -> HTMLResponse:
    """Pictures in, teaching, and how good it is."""
    place = house.workspaces.get(name)
    return draw_page("teach", caller, place, tab="teach", **await _teach_values(house, place))


async def _teach_values(house: House, place: Place) -> dict[str, Any]:
    summary = await asyncio.to_thread(house.workspaces.summarize, place)
    figures = await asyncio.to_thread(gathering.gather_figures, house, place)
    return {"summary": summary, **figures, **gathering.gather_waiting(house, place)}


@router.get("/w/{name}/teach/waiting")
async def waiting(name: str, house: HouseDep, caller: Person) -> HTMLResponse:
    """The pictures that wait, as a part of the page."""
    place = house.workspaces.get(name)
    return draw_page("waiting", caller, place, **gathering.gather_waiting(house, place))


@router.get("/w/{name}/teach/figures")
async def figures(name: str, house: HouseDep, caller: Person) -> HTMLResponse:
    """The figures and findings, as a part of the page."""
    place = house.workspaces.get(name)
    return draw_page("figures", caller, place, **await _teach_values(house, place))


@router.get("/w/{name}/teach/class")
async def of_class(
    name: str, house: HouseDep, caller: Person, label: Annotated[str, Query(max_length=100)]
) -> HTMLResponse:
    """Pictures of one class, as a part of the page."""
    place = house.workspaces.get(name, taught=True)
    rows = [row for row in await asyncio.to_thread(house.workspaces.rows, place) if label in row.labels]
    return draw_page("of_class", caller, place, label=label, rows=rows[:200], n=len(rows))


@router.post("/w/{name}/teach/keep/{finding}")
async def keep_finding(name: str, finding: str, request: Request, house: HouseDep, caller: Person) -> Response:
    """Note that a finding is to stay as it is."""
    if not hmac.compare_digest(request.headers.get("x-csrf-token", ""), caller.csrf or "") or not caller.may("teach"):
        raise ForbiddenError("This needs the right to teach, and a page that was loaded newly.")
    place = house.workspaces.get(name)
    with house.state.change(caller.name, "keep finding", workspace=place.name, finding=finding[:64]) as connection:
        connection.execute("INSERT OR IGNORE INTO settled VALUES (?, ?)", (place.name, finding[:64]))
    return Response(status_code=204)


@router.get("/w/{name}/report")
async def report(name: str, house: HouseDep, caller: Person) -> Response:
    """The whole report, measured afresh, as a page that holds everything."""
    place = house.workspaces.get(name, "classes", taught=True)
    try:
        page = await house.make_report(place)
    except LostError:
        raise UnknownError("The report could not be made. Try again.") from None
    return HTMLResponse(page, headers={"Content-Security-Policy": REPORT_POLICY})


@router.get("/w/{name}/look")
async def look(name: str, house: HouseDep, caller: Person) -> HTMLResponse:
    """Answers for pictures, and questions worth answering."""
    place = house.workspaces.get(name, "classes", "inspector")
    summary = await asyncio.to_thread(house.workspaces.summarize, place)
    days = house.state.choice("looked_days", LOOKED_DAYS)
    return draw_page("look", caller, place, tab="look", summary=summary, days=f"{days:g}" if days else "")


@router.get("/w/{name}/inspect")
async def inspect(name: str, house: HouseDep, caller: Person) -> HTMLResponse:
    """How strict it is, what is watched, what was seen."""
    place = house.workspaces.get(name, "inspector")
    kept = (await asyncio.to_thread(gathering.gather_figures, house, place))["kept"] if place.is_taught else None
    points = (kept or {}).get("points") or {}
    rates = [point["promised"] for point in points.get("points", ())]
    chosen = min(range(len(rates)), key=lambda i: abs(rates[i] - points["false_alarms"])) if rates else 0
    live = await asyncio.to_thread(gathering.gather_live, house, place)
    return draw_page("inspect", caller, place, tab="inspect", points=points, chosen=chosen, **live)


@router.get("/w/{name}/inspect/live")
async def live(name: str, house: HouseDep, caller: Person) -> HTMLResponse:
    """What is watched and was seen, as a part of the page."""
    place = house.workspaces.get(name, "inspector")
    return draw_page("live", caller, place, **await asyncio.to_thread(gathering.gather_live, house, place))


@router.get("/w/{name}/find")
async def find(name: str, house: HouseDep, caller: Person) -> HTMLResponse:
    """Search by picture."""
    return draw_page("find", caller, house.workspaces.get(name, "gallery"), tab="find")


@router.get("/trust")
async def trust(house: HouseDep, caller: Person, before: Annotated[int, Query(ge=0, le=2**53)] = 0) -> HTMLResponse:
    """Certificates, exports and the log."""
    rows = house.state.log(after=before, most=51)
    proofs = await asyncio.to_thread(gathering.gather_proofs, house)
    more = rows[49]["number"] if len(rows) > 50 else None
    return draw_page("trust", caller, here="/trust", proofs=proofs, records=rows[:50], more=more)


@router.get("/settings")
async def settings(house: HouseDep, caller: Person) -> HTMLResponse:
    """Keys, people, keeping, targets."""
    keys = [one for one in house.accounts.all_keys() if caller.may("admin") or one["user"] == caller.name]
    return draw_page(
        "settings", caller, here="/settings", keys=keys, scopes=SCOPES, users=house.accounts.users(), roles=list(ROLES),
        days=f"{house.state.choice('looked_days', LOOKED_DAYS):g}", keep_metadata=house.state.choice("keep_metadata", False),
        targets=house.list_targets() if caller.may("admin") else [],
    )  # fmt: skip


@router.get("/docs")
async def docs(request: Request, caller: Person) -> HTMLResponse:
    """The API as people read it."""
    return draw_page("docs", caller, here="/docs", groups=gathering.group_operations(request.app.openapi()))
