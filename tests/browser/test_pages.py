"""The pages' main stories as people live them: by mouse and by keyboard, on a desk and on a phone, and by axe-core."""

import json
import re
import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.inspection.parts import write_parts
from tests.pictures import draw_shape, make_folder

SERIOUS = ("serious", "critical")
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
SLOW_MS = 60_000


def check_access(page):
    """No serious violation, and nothing wider than the screen."""
    found = Axe().run(page, options=RULES).response["violations"]
    told = [(one["id"], one["nodes"][0]["html"][:160]) for one in found if one["impact"] in SERIOUS]
    assert told == []
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 1


def begin(page, served, kind, name):
    page.goto(served.address)
    form = page.locator(f"form[data-kind={kind}]")
    form.get_by_label("Name").fill(name)
    form.get_by_role("button", name="Begin").click()
    page.wait_for_url(f"{served.address}/w/{name}/teach")


def teach_shapes(page, served, photos, name):
    begin(page, served, "classes", name)
    page.set_input_files("#pick-folder", str(photos))
    expect(page.locator("#waiting .class-row")).to_have_count(3, timeout=SLOW_MS)
    expect(page.locator("#waiting h2 .count")).to_have_text("36", timeout=SLOW_MS)
    page.get_by_label("Pictures that follow each other").check()
    page.get_by_role("button", name="Teach now").click()
    expect(page.locator("#figures .headline")).to_contain_text("Of 100 new pictures", timeout=SLOW_MS)


def picture(tmp_path, shape, number):
    path = tmp_path / f"{shape}{number}.png"
    draw_shape(shape, number).save(path)
    return str(path)


def share_of(page, name, label, path):
    """How probable the server finds a class for a picture."""
    token = page.evaluate("document.body.dataset.csrf")
    file = {"name": path.name, "mimeType": "image/png", "buffer": path.read_bytes()}
    answer = page.request.post(
        f"/v1/workspaces/{name}/look".replace("/v1", page.url.split("/w/")[0] + "/v1", 1),
        headers={"X-CSRF-Token": token}, multipart={"file": file},
    )  # fmt: skip
    return answer.json()["probabilities"][label]


def test_axe_finds_a_seeded_fault(page, served):
    """The check itself: a picture without words, and pale text."""
    page.goto(f"{served.address}/trust")
    page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    with pytest.raises(AssertionError, match="image-alt"):
        check_access(page)


def test_signing_in_is_accessible_and_says_what_is_wrong(page, served):
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{served.address}/sign-in")
    check_access(page)
    page.get_by_label("Name").fill("nobody")
    page.get_by_label("Password").fill("wrong wrong wrong")
    with page.expect_response(lambda answer: answer.request.method == "POST") as told:
        page.keyboard.press("Enter")
    assert told.value.status == 401
    expect(page.get_by_role("alert")).to_contain_text("do not fit")


def test_teach_look_correct_and_trust(page, served, photos, tmp_path, size):
    """From nothing to an answer, a correction that the next answer shows, and the proof of forgetting."""
    name = f"story-{size}"
    teach_shapes(page, served, photos, name)
    check_access(page)
    expect(page.locator(".matrix tbody tr")).to_have_count(3)
    expect(page.locator(".plot")).to_be_visible()
    page.goto(f"{served.address}/w/{name}/look")
    page.set_input_files("#pick-files", picture(tmp_path, "disc", 300))
    expect(page.locator("#answers .said")).to_be_visible(timeout=SLOW_MS)
    expect(page.locator("#answers .decided img")).not_to_have_count(0)
    heat = page.locator("#answers .heat")
    page.locator("#answers input[type=range]").fill("0")
    assert heat.evaluate("image => getComputedStyle(image).opacity") == "0"
    check_access(page)
    before = share_of(page, name, "square", tmp_path / "disc300.png")
    page.get_by_label("Wrong, it is").fill("square")
    page.get_by_role("button", name="Teach this").click()
    page.get_by_role("button", name="Look again").click(timeout=SLOW_MS)
    expect(page.get_by_role("button", name="Look again")).to_have_count(0, timeout=SLOW_MS)
    assert share_of(page, name, "square", tmp_path / "disc300.png") > before + 0.05
    page.goto(f"{served.address}/w/{name}/teach")
    page.get_by_role("button", name="Show pictures").first.click()
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("#of-class .remove").first.click()
    expect(page.get_by_text("Forgotten, with a certificate.")).to_be_visible(timeout=SLOW_MS)
    page.goto(f"{served.address}/trust")
    proof = page.locator(f"[data-of={name}]")
    with page.expect_download() as download:
        proof.get_by_role("link", name="Download").first.click()
    assert json.loads(download.value.path().read_text())["scan"]["n_found"] == 0
    proof.get_by_role("button", name="Check this workspace").click()
    expect(proof.get_by_text("Everything fits together.")).to_be_visible(timeout=SLOW_MS)
    page.get_by_role("button", name="Check the log").click()
    expect(page.locator("#log-outcome")).to_contain_text("Everything fits together.", timeout=SLOW_MS)
    proof.get_by_role("button", name="Show the model card").click()
    expect(proof.locator(".facts")).to_contain_text("disc", timeout=SLOW_MS)
    check_access(page)


@pytest.mark.parametrize("size", ["desk"], indirect=True)
def test_three_hundred_pictures_from_dropping_to_figures(page, served, tmp_path, size, record_property):
    """The seconds stand in the JUnit report (--junit-xml); machines are shared, so here it only has to end."""
    folder = make_folder(tmp_path / "many", each=100)
    begin(page, served, "classes", f"many-{size}")
    begun = time.monotonic()
    page.set_input_files("#pick-folder", str(folder))
    expect(page.locator("#waiting h2 .count")).to_have_text("300", timeout=SLOW_MS)
    page.get_by_role("button", name="Teach now").click(timeout=SLOW_MS)
    expect(page.locator("#figures .headline")).to_contain_text("Of 100 new pictures", timeout=SLOW_MS)
    record_property("seconds", round(time.monotonic() - begun, 1))


def test_wrong_labels_are_found_and_mended_by_cards(page, served, photos, tmp_path, size):
    name = f"cards-{size}"
    begin(page, served, "classes", name)
    page.set_input_files("#pick-folder", str(photos))
    expect(page.locator("#waiting h2 .count")).to_have_text("36", timeout=SLOW_MS)
    page.get_by_label("Class of pictures that lie in no folder").fill("square")
    page.set_input_files("#pick-files", str(photos / "disc" / "disc 3.png"))
    expect(page.locator("#waiting h2 .count")).to_have_text("37", timeout=SLOW_MS)
    page.get_by_role("button", name="Teach now").click()
    card = page.locator(".finding").filter(has_text="different labels")
    expect(card).to_be_visible(timeout=SLOW_MS)
    wrong = card.locator("figure").filter(has=page.locator("figcaption", has_text="square")).first
    wrong.get_by_role("combobox").select_option("disc")
    wrong.get_by_role("button", name="Correct").click()
    expect(page.get_by_text("Corrected.")).to_be_visible(timeout=SLOW_MS)
    expect(page.locator(".finding").filter(has_text="different labels")).to_have_count(0, timeout=SLOW_MS)
    copies = page.locator(".finding").filter(has_text="exact cop")
    copies.get_by_role("button", name="Keep as it is").click()
    expect(copies).to_have_count(0)
    page.reload()
    expect(page.locator(".finding").filter(has_text="exact cop")).to_have_count(0)
    rename = page.locator("form.rename[data-old=stripes]")
    rename.get_by_label("New name").fill("lines")
    rename.get_by_role("button").click()
    expect(page.locator("table.rows")).to_contain_text("lines", timeout=SLOW_MS)


def test_questions_are_answered_by_keyboard_alone(page, served, photos, tmp_path, size):
    name = f"keys-{size}"
    teach_shapes(page, served, photos, name)
    page.goto(f"{served.address}/w/{name}/look")
    page.set_input_files("#pick-files", [picture(tmp_path, shape, 400) for shape in ("disc", "square")])
    expect(page.locator("#answers .answer")).to_have_count(2, timeout=SLOW_MS)
    expect(page.locator("#asked .ask")).to_be_visible(timeout=SLOW_MS)
    page.reload()
    expect(page.locator("#asked .ask")).to_be_visible(timeout=SLOW_MS)
    page.keyboard.press("1")
    expect(page.get_by_text("Taught. Next time it knows better.").first).to_be_visible(timeout=SLOW_MS)
    page.keyboard.press("x")
    expect(page.locator("#asked .ask")).to_have_count(0, timeout=SLOW_MS)
    expect(page.locator("#queue-about")).to_contain_text("No open questions")


@pytest.mark.parametrize("size", ["desk"], indirect=True)
def test_everything_can_be_reached_by_the_keyboard(page, served, photos):
    """Tab goes to every control of the page, what has the focus is seen, and Enter uses it."""
    page.goto(f"{served.address}/settings")
    wanted = page.locator("main button:visible, main input:visible, main select:visible").count()
    reached = set()
    for _ in range(3 * wanted + 20):
        page.keyboard.press("Tab")
        here = page.evaluate(
            """() => { const one = document.activeElement; if (!one || !one.closest('main')) return '';
            const style = getComputedStyle(one); if (style.outlineStyle === 'none') return 'hidden focus';
            return [...document.querySelectorAll('main button, main input, main select')].indexOf(one) + ''; }"""
        )
        assert here != "hidden focus"
        if here:
            reached.add(here)
    assert len(reached) == wanted
    page.goto(served.address)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"
    page.locator("form[data-kind=classes]").get_by_label("Name").focus()
    page.keyboard.type("by-keyboard")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{served.address}/w/by-keyboard/teach")


def test_a_picture_of_the_camera(page, served, photos, size):
    name = f"camera-{size}"
    teach_shapes(page, served, photos, name)
    page.goto(f"{served.address}/w/{name}/look")
    page.get_by_role("button", name="use the camera").click()
    page.get_by_role("button", name="Take the picture").click()
    expect(page.locator("#answers .said")).to_be_visible(timeout=SLOW_MS)
    page.get_by_role("button", name="Stop the camera").click()
    expect(page.locator("#shooting")).to_be_hidden()


def test_inspect_watch_and_acknowledge(page, served, tmp_path, size):
    name = f"part-{size}"
    good = write_parts(tmp_path / "good", range(30))
    begin(page, served, "inspector", name)
    page.set_input_files("#pick-files", [str(path) for path in good])
    expect(page.locator("#waiting h2 .count")).to_have_text("30", timeout=SLOW_MS)
    page.get_by_label("What loose pictures show").select_option("defect")
    page.set_input_files("#pick-files", [str(p) for p in write_parts(tmp_path / "bad", range(900, 904), defect=True)])
    expect(page.locator("#waiting h2 .count")).to_have_text("34", timeout=SLOW_MS)
    page.get_by_role("button", name="Teach now").click()
    expect(page.locator("#figures .number")).to_be_visible(timeout=SLOW_MS)
    check_access(page)
    page.goto(f"{served.address}/w/{name}/inspect")
    before = page.locator("#promised").inner_text()
    page.locator("#rate").focus()
    page.keyboard.press("End")
    assert page.locator("#promised").inner_text() != before
    page.get_by_role("button", name="Use this").click()
    expect(page.get_by_text("Saved.")).to_be_visible(timeout=SLOW_MS)
    line = tmp_path / "line"
    write_parts(line, [950], defect=True)
    page.get_by_label("Folder on this machine").fill(str(line))
    page.get_by_label("Name", exact=True).fill(f"Line {size}")
    page.get_by_role("button", name="Watch", exact=True).click()
    page.locator("h1").click()  # the part goes on by itself while nobody is in it
    expect(page.locator(".alerts li")).to_have_count(1, timeout=SLOW_MS)
    expect(page.locator(".alerts img")).to_be_visible()
    page.locator("[data-fade]").fill("1")
    assert page.locator(".now .heat").evaluate("image => getComputedStyle(image).opacity") == "1"
    page.locator("h1").click()
    check_access(page)
    page.get_by_role("button", name="Seen").click()
    expect(page.locator(".alerts li")).to_have_count(0, timeout=SLOW_MS)
    page.get_by_role("button", name="Stop watching").click()
    expect(page.locator(".watch .tag").first).to_have_text("stopped", timeout=SLOW_MS)
    page.goto(f"{served.address}/w/{name}/look")
    page.set_input_files("#pick-files", str(line / "part0950.png"))
    expect(page.locator("#answers .said")).to_have_text(re.compile("Not good|not good"), timeout=SLOW_MS)


def test_find_crop_and_say_not_this(page, served, photos, size):
    name = f"shop-{size}"
    begin(page, served, "gallery", name)
    page.set_input_files("#pick-folder", str(photos))
    expect(page.locator("#waiting h2 .count")).to_have_text("36", timeout=SLOW_MS)
    page.get_by_role("button", name="Add to the gallery").click()
    expect(page.locator("#figures .headline")).to_have_text("36 items", timeout=SLOW_MS)
    page.goto(f"{served.address}/w/{name}/find")
    page.set_input_files("#pick-files", str(photos / "disc" / "disc 4.png"))
    expect(page.locator("#results .hit").first).to_contain_text("disc 4", timeout=SLOW_MS)
    page.get_by_role("button", name="Not this").first.click()
    expect(page.locator("#results .hit").first).not_to_contain_text("disc 4.png", timeout=SLOW_MS)
    page.get_by_label("Only items where").fill("category = 'square'")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#results .hit").first).to_contain_text("square", timeout=SLOW_MS)
    expect(page.locator("#recommended .hit")).not_to_have_count(0, timeout=SLOW_MS)
    page.locator("#cropper img").scroll_into_view_if_needed()
    box = page.locator("#cropper img").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.7)
    page.mouse.up()
    expect(page.get_by_role("button", name="Whole picture")).to_be_visible()
    check_access(page)
    page.get_by_role("button", name="Why these").click()
    expect(page.locator("#sheet img")).to_be_visible(timeout=SLOW_MS)
    page.keyboard.press("Escape")


@pytest.mark.parametrize("path", ["/", "/trust", "/settings", "/docs"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_other_pages_are_accessible_in_light_and_dark(page, served, path, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto(served.address + path)
    check_access(page)


def test_keys_people_and_keeping(page, served, size):
    page.goto(f"{served.address}/settings")
    page.get_by_label("What for").fill("a program")
    page.get_by_role("button", name="Make a key").click()
    expect(page.locator(".once")).to_have_text(re.compile("^fv_"))
    page.locator("#new-user").get_by_label("Name").fill(f"ann-{size}")
    page.get_by_label("Role").select_option("viewer")
    page.get_by_label("Password").fill("long enough 1")
    page.get_by_role("button", name="Add").first.click()
    expect(page.get_by_text(f"ann-{size}", exact=True)).to_be_visible()
    page.get_by_role("button", name=f"Remove ann-{size}").click()
    expect(page.get_by_text(f"ann-{size}", exact=True)).to_have_count(0)
    page.get_by_label("Days to keep").fill("7")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
