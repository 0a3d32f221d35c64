"""What the server refuses, and who may do what: seen from outside, by real requests."""

import concurrent.futures
import hashlib
import io
import json
import os
import re
import struct
import subprocess
import sys
import time
import zipfile
import zlib

import httpx
import pytest
from PIL import ExifTags
from PIL import Image as Pillow

from foveal.core.errors import InputError
from foveal.server.accounts import Accounts, SignInError
from foveal.server.fetching import resolve
from foveal.server.options import Options, check_options
from foveal.server.state import State
from tests.server.serving import PASSWORD, Served

SCOPES = ("read", "look", "teach", "forget", "admin")
# One request for each thing that may be done, and the scope it needs.
NEEDS = [
    ("GET", "/v1/workspaces", None, "read"),
    ("GET", "/v1/log", None, "read"),
    ("GET", "/v1/jobs", None, "read"),
    ("GET", "/v1/watches", None, "read"),
    ("POST", "/v1/log/verify", None, "read"),
    ("POST", "/v1/workspaces/none/look", {"base64": ""}, "look"),
    ("POST", "/v1/workspaces/none/find", {"base64": ""}, "look"),
    ("GET", "/v1/workspaces/none/queue", None, "look"),
    ("POST", "/v1/watches/none/acknowledge", {"alerts": [1]}, "look"),
    ("GET", "/v1/keys", None, "look"),
    ("POST", "/v1/workspaces/none/teach", {}, "teach"),
    ("POST", "/v1/workspaces/none/pictures", None, "teach"),
    ("POST", "/v1/workspaces/none/zips", None, "teach"),
    ("POST", "/v1/workspaces/none/correct", {"pictures": [1], "label": "a"}, "teach"),
    ("POST", "/v1/workspaces/none/classes", {"names": {"a": "b"}}, "teach"),
    ("POST", "/v1/workspaces/none/queue/settle", {"names": ["a"]}, "teach"),
    ("POST", "/v1/jobs/none/cancel", None, "teach"),
    ("POST", "/v1/workspaces/none/forget", {"values": ["1"]}, "forget"),
    ("GET", "/v1/users", None, "admin"),
    ("POST", "/v1/users", {"name": "Not A Name"}, "admin"),
    ("PATCH", "/v1/settings", {"looked_days": -1}, "admin"),
    ("POST", "/v1/targets", {"kind": "pigeon"}, "admin"),
    ("POST", "/v1/watches", {"workspace": "none", "source": "/etc"}, "admin"),
    ("DELETE", "/v1/workspaces/none", None, "admin"),
    ("POST", "/v1/workspaces/none/file", None, "admin"),
]


@pytest.fixture(scope="module")
def keys(served):
    """A key for each scope alone."""
    return {scope: served.key(scope) for scope in SCOPES}


@pytest.mark.parametrize(("method", "path", "given", "scope"), NEEDS, ids=lambda v: str(v)[:40])
def test_each_request_needs_its_scope_and_no_other_does(served, keys, method, path, given, scope):
    options = {} if given is None else {"json": given}
    for other, key in keys.items():
        status = served.http(key).request(method, path, **options).status_code
        assert (status == 403) == (other != scope), (other, status)
    assert httpx.request(method, served.address + path, **options).status_code == 401
    assert httpx.request(method, served.address + path, headers={"Authorization": "Bearer fv_a_b"}).status_code == 401


def test_every_route_of_the_api_asks_who_it_is(served):
    """No operation of the description answers anybody, apart from the health checks."""
    plain = httpx.get(served.address + "/openapi.json").json()
    open_to_all = {"/healthz", "/readiness", "/metrics"}
    for path, methods in plain["paths"].items():
        for method in methods:
            if path in open_to_all:
                continue
            url = served.address + re.sub(r"\{[^}]+\}", "1", path)
            answer = httpx.request(method.upper(), url, headers={"Content-Type": "application/json"}, content=b"{}")
            assert answer.status_code == 401, (method, path, answer.status_code)


@pytest.mark.parametrize(
    "page", ["/", "/trust", "/settings", "/docs", "/w/none/teach", "/w/none/look", "/w/none/report"]
)
def test_pages_send_strangers_to_the_form(served, page):
    answer = httpx.get(served.address + page)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")


def test_roles(served):
    admin = served.browser()
    may = {"viewer": set(), "operator": {"look"}, "teacher": {"look", "teach"}}
    for role, scopes in may.items():
        assert (
            admin.post("/v1/users", json={"name": role, "role": role, "password": "long enough 1"}).status_code == 201
        )
        session = served.browser(role, "long enough 1")
        assert session.get("/v1/me").json()["role"] == role
        for _, path, given, scope in [
            one for one in NEEDS if one[0] == "POST" and one[3] in ("look", "teach", "admin")
        ]:
            status = session.post(path, json=given or {}).status_code
            assert (status == 403) == (scope not in scopes), (role, path, status)
        assert session.get("/trust").status_code == 200
    assert admin.request("DELETE", "/v1/users/admin").status_code == 422  # the only administrator stays
    assert admin.patch("/v1/users/admin", json={"role": "viewer"}).status_code == 422


def test_keys_are_hashed_expire_and_cannot_give_more_than_their_maker_has(served):
    admin = served.browser()
    assert (
        admin.post("/v1/users", json={"name": "op", "role": "operator", "password": "long enough 1"}).status_code == 201
    )
    operator = served.browser("op", "long enough 1")
    assert operator.post("/v1/keys", json={"name": "x", "scopes": ["teach"]}).status_code == 422
    made = operator.post("/v1/keys", json={"name": "x", "scopes": ["read", "look"], "days": 0.00002}).json()
    with_key = served.http(made["key"])
    assert with_key.get("/v1/workspaces").status_code == 200
    for file in (served.folder / "server").glob("workspace.db*"):
        assert made["key"].rpartition("_")[2].encode() not in file.read_bytes()
    time.sleep(2)
    assert with_key.get("/v1/workspaces").status_code == 401  # it has expired
    lasting = operator.post("/v1/keys", json={"name": "y", "scopes": ["read", "look"]}).json()
    assert admin.request("DELETE", "/v1/users/op").status_code == 204
    assert served.http(lasting["key"]).get("/v1/workspaces").status_code == 401  # its user is gone
    assert operator.get("/v1/workspaces").status_code == 401


def test_a_changed_page_token_or_another_site_is_refused(served):
    session = served.browser()
    given = {"name": "csrf"}
    assert session.post("/v1/workspaces", json=given, headers={"X-CSRF-Token": "wrong"}).status_code == 403
    assert session.post("/v1/workspaces", json=given, headers={"X-CSRF-Token": ""}).status_code == 403
    assert session.post("/v1/workspaces", json=given, headers={"Origin": "https://evil.example"}).status_code == 403
    assert session.post("/sign-out", data={"csrf": "wrong"}).status_code == 403
    assert session.post("/v1/workspaces", json=given).status_code == 201
    login = {"name": "admin", "password": PASSWORD}
    other = httpx.post(served.address + "/sign-in", data=login, headers={"Origin": "https://evil.example"})
    assert other.status_code == 403


def test_a_session_ends(served):
    session = served.browser()
    cookie = next(iter(session.cookies.jar))
    assert cookie.has_nonstandard_attr("HttpOnly") and cookie.get_nonstandard_attr("SameSite") == "strict"
    token = dict(session.cookies)
    assert session.post("/sign-out", data={"csrf": session.headers["X-CSRF-Token"]}).status_code == 303
    assert httpx.get(served.address + "/", cookies=token).headers["Location"] == "/sign-in"


def test_guessing_passwords_is_slowed_down(tmp_path):
    served = Served(tmp_path / "home")
    try:
        wrong = {"name": "admin", "password": "wrong wrong wrong"}
        statuses = [httpx.post(served.address + "/sign-in", data=wrong).status_code for _ in range(7)]
        assert statuses[:5] == [401] * 5 and statuses[-1] == 429
        held = httpx.post(served.address + "/sign-in", data={"name": "admin", "password": PASSWORD})
        assert held.status_code == 429 and int(held.headers["Retry-After"]) >= 1  # the right one has to wait as well
    finally:
        served.stop()


@pytest.mark.parametrize("path", ["/sign-in", "/v1/workspaces", "/healthz", "/nothing", "/static/foveal.css"])
def test_headers_that_keep_browsers_safe(served, path):
    headers = httpx.get(served.address + path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "no-referrer"
    assert "server" not in headers


def test_the_first_password_is_printed_once(tmp_path):
    def start():
        environment = {name: value for name, value in os.environ.items() if name != "FOVEAL_ADMIN_PASSWORD"}
        command = [sys.executable, "-m", "foveal", "serve", str(tmp_path / "home"), "--port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
        told = ""
        while "foveal serves" not in told:
            told += process.stdout.readline().decode()
        process.terminate()
        return told + process.communicate(timeout=20)[0].decode()

    first, second = start(), start()
    password = re.search(r"^    (\S{16})$", first, re.MULTILINE)
    assert password and "only once" in first and "only once" not in second
    for file in (tmp_path / "home").rglob("*"):
        assert not file.is_file() or password[1].encode() not in file.read_bytes()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_it_does_not_leave_this_machine_in_the_clear(host, tmp_path):
    with pytest.raises(InputError, match="TLS"):
        check_options(Options(tmp_path, host=host))
    check_options(Options(tmp_path, host=host, proxies=("10.0.0.1",)))
    check_options(Options(tmp_path, host=host, certificate=tmp_path / "c", private_key=tmp_path / "k"))
    with pytest.raises(InputError, match="both"):
        check_options(Options(tmp_path, certificate=tmp_path / "c"))


def test_a_second_server_on_one_folder_is_refused(served):
    done = subprocess.run(
        [sys.executable, "-m", "foveal", "serve", str(served.folder), "--port", "0"], capture_output=True, timeout=30
    )
    assert done.returncode == 6 and b"being written to by process" in done.stderr


# -- pictures that mean harm ------------------------------------------------------------------------------


def png_bomb(side):
    """A small file that says it has side x side pixels and unpacks to as many bytes."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(b"\0" * (side + 1)) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def strict(tmp_path_factory, shapes):
    """A server with small limits, and a taught workspace."""
    more = (
        "children=2, limits=Limits(picture_bytes=3_000_000, upload_bytes=8_000_000, pixels=40_000_000, seconds=4.0, "
        "child_memory=700_000_000, files=20, body_seconds=1.5)"
    )
    served = Served(tmp_path_factory.mktemp("strict") / "home", more).ready()
    client = served.client()
    client.create("shapes")
    for folder in sorted(shapes.iterdir()):
        client.upload("shapes", sorted(folder.iterdir()), label=folder.name)
    client.teach("shapes", single=True)
    yield served
    served.stop()


@pytest.fixture
def asking(strict):
    return strict.http(strict.key())


def looks(asking, data):
    return asking.post("/v1/workspaces/shapes/look", files={"file": data})


def test_a_bomb_is_refused_by_its_header(strict, asking, shapes):
    answer = looks(asking, png_bomb(12_000))
    assert answer.status_code == 422 and "pixels" in answer.json()["detail"]


def test_a_picture_that_eats_memory_or_time_costs_a_child_at_most(strict, asking, shapes):
    """Just below the limit of pixels, in colors: unpacking it needs more memory or time than a child may use."""
    buffer = io.BytesIO()
    Pillow.effect_noise((1500, 1500), 60).convert("CMYK").resize((6300, 6300)).save(
        buffer, "TIFF", compression="tiff_deflate"
    )
    heavy = buffer.getvalue()
    if len(heavy) > 3_000_000:
        heavy = png_bomb(6_300)
    statuses = {looks(asking, heavy).status_code for _ in range(4)}
    assert statuses <= {200, 422}
    good = next(shapes.rglob("*.png")).read_bytes()
    assert looks(asking, good).status_code == 200


def test_a_child_that_hangs_is_ended_and_replaced(strict, asking, shapes):
    """Stop the children, as a decoder that hangs would; the answer is a clear refusal, and the next one is right."""
    good = next(shapes.rglob("*.png")).read_bytes()
    assert looks(asking, good).status_code == 200
    children = subprocess.run(
        ["pgrep", "-f", "foveal.server.child look", "-P", str(strict._process.pid)], capture_output=True, text=True
    ).stdout.split()
    assert len(children) == 2
    for child in children:
        os.kill(int(child), 19)
    told = looks(asking, good)
    assert told.status_code == 422 and "longer than 4 s" in told.json()["detail"]
    assert [looks(asking, good).status_code for _ in range(4)][-1] == 200


def test_a_child_that_dies_is_replaced(strict, asking, shapes):
    good = next(shapes.rglob("*.png")).read_bytes()
    for child in subprocess.run(
        ["pgrep", "-f", "foveal.server.child look", "-P", str(strict._process.pid)], capture_output=True, text=True
    ).stdout.split():
        os.kill(int(child), 9)
    assert [looks(asking, good).status_code for _ in range(4)][-1] == 200


def test_too_large_too_many_too_slow(strict, asking):
    where = "/v1/workspaces/shapes/pictures"
    large = asking.post(where, files={"file": b"x" * 9_000_000}, data={"label": "a"})
    assert large.status_code == 413
    single = asking.post(where, files={"file": b"\x89PNG\r\n\x1a\n" + b"x" * 4_000_000}, data={"label": "a"})
    assert single.json()["files"][0]["state"] == "refused" and "larger" in single.json()["files"][0]["reason"]
    many = asking.post(where, files=[("file", ("a.png", b"x"))] * 30, data={"label": "a"})
    assert many.status_code == 400

    def slowly():
        yield b"--x\r\n"
        time.sleep(4)
        yield b"--x--\r\n"

    begun = time.monotonic()
    slow = asking.post(where, content=slowly(), headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert slow.status_code == 408 and time.monotonic() - begun < 6


def test_a_picture_to_look_at_is_not_larger_than_a_picture(strict, asking):
    answer = asking.post("/v1/workspaces/shapes/look", content=b"x" * 6_000_000, headers={"Content-Type": "image/png"})
    assert answer.status_code == 413 and answer.json()["type"].endswith(":too-large")


def test_only_administrators_choose_database_servers(served):
    given = {"name": "remote", "kind": "gallery", "address": "postgresql://127.0.0.1:9/none"}
    assert served.http(served.key("read", "teach")).post("/v1/workspaces", json=given).status_code == 403
    elsewhere = {"name": "remote", "kind": "classes", "address": "/etc"}
    assert served.http(served.key()).post("/v1/workspaces", json=elsewhere).status_code == 422


def test_a_name_that_nobody_has_is_as_much_work_to_refuse(tmp_path, monkeypatch):
    """Otherwise the time would tell which names there are."""
    state = State.open(tmp_path / "server")
    accounts = Accounts(state)
    accounts.add_user("setup", "ann", "viewer", "long enough 1")
    accounts.take_in("bob", "viewer")
    done: list = []
    scrypt = hashlib.scrypt

    def counted(*given, **options):
        done.append(options["n"])
        return scrypt(*given, **options)

    monkeypatch.setattr(hashlib, "scrypt", counted)
    for name in ("ann", "eve", "bob"):
        with pytest.raises(SignInError):
            accounts.sign_in(name, "wrong wrong wrong", "10.0.0.1")
    assert len(done) == 3 and len(set(done)) == 1
    state.close()


def test_no_request_is_said_to_be_longer_than_it_may_be_without_length(strict, asking):
    def endless():
        for _ in range(100):
            yield b"x" * 100_000

    answer = asking.post("/v1/workspaces/shapes/zips", content=endless())
    assert answer.status_code == 413


@pytest.mark.parametrize("name", ["../../../escape.png", "/etc/escape.png", "..\\..\\escape.png", "a\x00b.png", "."])
def test_names_never_lead_outside(served, taught, shapes, name):
    data = (shapes / "disc" / "disc 2.png").read_bytes()
    http = served.http(taught._key)
    http.post("/v1/workspaces", json={"name": "paths"})
    http.post("/v1/workspaces/paths/pictures", files={"file": (name, data)}, data={"label": "disc"}).raise_for_status()
    found = list(served.folder.parent.rglob("*escape*"))
    inside = served.folder / "workspaces" / "paths" / "unpacked" / "uploads" / "disc"
    assert all(path.parent == inside for path in found)


@pytest.mark.parametrize(
    "label", ["../up", "a/b", "..", ".hidden", "a\\b", "\x00", "", "x" * 101, "\u00acnot", "null", "{}"]
)
def test_labels_never_lead_outside(served, taught, shapes, label):
    http = served.http(taught._key)
    data = (shapes / "disc" / "disc 2.png").read_bytes()
    answer = http.post("/v1/workspaces/shapes/pictures", files={"file": ("a.png", data)}, data={"label": label})
    assert answer.status_code == 422


def test_a_zip_that_leads_outside_or_swells_is_refused(strict, asking):
    for name, content in (("../../slip.png", b"x"), ("a/bomb.png", b"\0" * 6_000_000)):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.writestr(name, content)
        job = asking.post("/v1/workspaces/shapes/zips", content=buffer.getvalue(), headers={"Prefer": "wait=20"}).json()
        assert job["state"] == "failed" and ("outside" in job["problem"] or "bomb" in job["problem"]), job
    assert not list(strict.folder.parent.rglob("slip.png"))
    assert not list((strict.folder / "server" / "zips").glob("*"))


def test_position_and_names_in_pictures_are_dropped(served, taught):
    """The copy on the server has neither, unless the administrator wants them kept; the picture is the same."""
    picture = Pillow.effect_noise((200, 150), 80).convert("RGB")
    exif = Pillow.Exif()
    exif[ExifTags.Base.Artist] = "Jane Doe"
    exif[ExifTags.IFD.GPSInfo] = {1: "N", 2: (47.0, 22.0, 30.0)}
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", exif=exif, comment=b"Jane was here")
    http = served.http(taught._key)
    http.post("/v1/workspaces", json={"name": "private"})
    where = {"label": "a"}
    http.post(
        "/v1/workspaces/private/pictures", files={"file": ("p.jpg", buffer.getvalue())}, data=where
    ).raise_for_status()
    stored = served.folder / "workspaces" / "private" / "unpacked" / "uploads" / "a" / "p.jpg"
    assert b"Jane" not in stored.read_bytes()
    with Pillow.open(stored) as kept, Pillow.open(buffer) as sent:
        assert not kept.getexif().get_ifd(ExifTags.IFD.GPSInfo) and kept.tobytes() == sent.tobytes()
    http.patch("/v1/settings", json={"keep_metadata": True}).raise_for_status()
    http.post(
        "/v1/workspaces/private/pictures", files={"file": ("q.jpg", buffer.getvalue())}, data=where
    ).raise_for_status()
    http.patch("/v1/settings", json={"keep_metadata": False}).raise_for_status()
    assert b"Jane" in stored.with_name("q.jpg").read_bytes()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "0.0.0.0", "fd00::1"])
def test_addresses_inside_the_network_are_never_fetched(host):
    with pytest.raises(InputError, match="inside this network|not known"):
        resolve(host)


def test_the_servers_log_shows_what_was_changed_in_it(tmp_path):
    state = State.open(tmp_path / "server")
    for number in range(3):
        state.choose("ann", looked_days=number)
    assert state.problems() == []
    with state.note() as connection:
        connection.execute("UPDATE leaves SET content = replace(content, 'ann', 'bob') WHERE seq = 3")
    assert state.problems() != []
    assert json.dumps(state.log()[0])
    state.close()


def test_more_than_can_be_answered_soon_is_refused_with_when_to_come_back(tmp_path, shapes):
    """Thirty at once where two work and two may wait: some are answered, the others told to come back."""
    served = Served(tmp_path / "home", "children=1, limits=Limits(waiting=2)").ready()
    client = served.client()
    client.create("shapes")
    for folder in sorted(shapes.iterdir()):
        client.upload("shapes", sorted(folder.iterdir())[:4], label=folder.name)
    client.teach("shapes", single=True)
    where = f"{served.address}/v1/workspaces/shapes/look"
    data, headers = next(shapes.rglob("*.png")).read_bytes(), {"Authorization": f"Bearer {client._key}"}
    with concurrent.futures.ThreadPoolExecutor(30) as threads:
        sent = [threads.submit(httpx.post, where, files={"file": data}, headers=headers, timeout=60) for _ in range(30)]
        answers = [one.result() for one in sent]
    refused = [one for one in answers if one.status_code == 503]
    assert 0 < len(refused) < 30 and {one.status_code for one in answers} == {200, 503}
    assert all(int(one.headers["Retry-After"]) >= 1 and one.json()["type"].endswith(":busy") for one in refused)
    assert httpx.post(where, files={"file": data}, headers=headers).status_code == 200  # it recovers by itself
    served.stop()


def test_a_workspace_is_deleted_with_everything_in_it(served, taught, shapes):
    taught.create("gone")
    taught.upload("gone", [shapes / "disc" / "disc 2.png"], label="disc")
    folder = served.folder / "workspaces" / "gone"
    assert folder.is_dir()
    http = served.http(taught._key)
    assert http.request("DELETE", "/v1/workspaces/gone").status_code == 204
    assert not folder.exists() and http.get("/v1/workspaces/gone").status_code == 404
    assert (served.folder / "workspaces" / "shapes").is_dir()


def test_a_workspace_of_the_command_line_is_served_and_never_deleted(tmp_path, shapes):
    from foveal.workflows.recognizer import teach

    teach(shapes, workspace=tmp_path / "mine", view="whole")
    served = Served(tmp_path / "mine").ready()
    client = served.client()
    assert [one["name"] for one in client.workspaces()] == ["main"]
    assert client.look("main", next(shapes.rglob("*.png")))["best"]
    assert served.http(client._key).request("DELETE", "/v1/workspaces/main").status_code == 204
    served.stop()
    assert (tmp_path / "mine" / "workspace.db").is_file()
