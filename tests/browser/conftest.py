"""A real browser, the one that is installed, in front of a real server."""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

from tests.pictures import make_folder
from tests.server.serving import PASSWORD, Served

CHROMIUM = os.environ.get("FOVEAL_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip
SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="session")
def chromium():
    """The browser; skips where there is none."""
    if CHROMIUM is None:
        pytest.skip("no chromium is installed (set FOVEAL_CHROMIUM to its path)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """A folder with a folder per class."""
    return make_folder(tmp_path_factory.mktemp("photos") / "shapes", each=12)


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    one = Served(tmp_path_factory.mktemp("browsed") / "home").ready()
    yield one
    one.stop()


@pytest.fixture(params=SIZES)
def size(request):
    """Each story is told on a desk and on a phone."""
    return request.param


@pytest.fixture
def page(chromium, served, size):
    """A signed-in page; whatever goes wrong in a script fails the test."""
    context = chromium.new_context(viewport=SIZES[size], has_touch=size == "phone", permissions=["camera"])
    page = context.new_page()
    wrong = []
    page.on("pageerror", lambda problem: wrong.append(str(problem)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.goto(served.address)
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(served.address + "/")
    yield page
    context.close()
    assert [one for one in wrong if "status of 401" not in one] == []  # a refused password is told by the browser too
