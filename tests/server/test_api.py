"""The API's stories, through real HTTP: teach, look, correct, forget, and what every request may rely on."""

import base64
import json
import threading
import time
import zipfile

import httpx
import pytest

from foveal.server.client import Client, JobError, ServerError
from foveal.server.pages.texts import read_texts
from foveal.store.certificate import verify_certificate
from foveal.store.keys import load_public
from foveal.workflows.recognizer import load
from tests.pictures import draw_shape
from tests.server.serving import wait_until


@pytest.fixture
def http(served, taught):
    return served.http(taught._key)


def disc(folder, number=0):
    return folder / "disc" / f"disc {100 + number}.png"


def test_an_answer_equals_the_one_here(served, taught, new_picture):
    """What the server says is what the workspace says, to the last bit."""
    local = load(served.folder / "workspaces" / "shapes")
    for path in sorted(new_picture.rglob("*.png")):
        there, here = taught.look("shapes", path), local.look(path, evidence=False).to_dict()
        assert there["probabilities"] == here["probabilities"] and there["could_be"] == here["could_be"]


def test_a_picture_may_come_as_form_json_or_alone(http, new_picture):
    data = disc(new_picture).read_bytes()
    where = "/v1/workspaces/shapes/look"
    answers = [
        http.post(where, files={"file": ("a.png", data)}),
        http.post(where, json={"base64": base64.b64encode(data).decode()}),
        http.post(where, content=data, headers={"Content-Type": "image/png"}),
    ]
    assert [a.status_code for a in answers] == [200, 200, 200]
    assert len({json.dumps(a.json()["probabilities"]) for a in answers}) == 1


def test_evidence_adds_up_to_the_score(http, new_picture):
    answer = http.post(
        "/v1/workspaces/shapes/look", files={"file": disc(new_picture).read_bytes()}, data={"evidence": "true"}
    ).json()
    told = answer["evidence"]
    assert told["bias"] + sum(map(sum, told["contributions"])) == pytest.approx(told["score"])


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "kind"),
    [
        ("GET", "/v1/workspaces/nothing", {}, 404, "unknown"),
        ("GET", "/v1/nowhere", {}, 404, "http"),
        ("POST", "/v1/workspaces/shapes/look", {"files": {"file": b"text"}}, 422, "picture"),
        (
            "POST",
            "/v1/workspaces/shapes/look",
            {"content": b"x", "headers": {"Content-Type": "text/plain"}},
            415,
            "content",
        ),
        ("POST", "/v1/workspaces/shapes/look", {"json": {"base64": "%%%"}}, 422, "input"),
        ("POST", "/v1/workspaces/shapes/look", {"json": {"base64": "\u00e7"}}, 422, "input"),
        ("POST", "/v1/workspaces/shapes/look", {"json": {"url": "https://example.org/a.jpg"}}, 422, "input"),
        ("POST", "/v1/workspaces/shapes/look", {"json": {"bas64": ""}}, 422, "invalid"),
        ("POST", "/v1/workspaces/shapes/find", {"files": {"file": b"x"}}, 409, "untaught"),
        ("POST", "/v1/workspaces", {"json": {"name": "A B"}}, 422, "invalid"),
        ("POST", "/v1/workspaces", {"json": {"name": "shapes"}}, 422, "input"),
        ("POST", "/v1/workspaces/shapes/teach", {"json": {}}, 422, "input"),
        ("POST", "/v1/workspaces/shapes/teach", {"content": b"{"}, 422, "invalid"),
        ("POST", "/v1/workspaces/shapes/pictures", {"files": {"file": b"x"}}, 422, "input"),
        ("POST", "/v1/workspaces/shapes/correct", {"json": {"pictures": [1]}}, 422, "input"),
        ("GET", "/v1/jobs/none", {}, 404, "unknown"),
        ("PUT", "/v1/jobs", {}, 405, "http"),
        ("DELETE", "/v1/workspaces/shapes/pictures/9", {}, 404, "unknown"),
    ],
)
def test_every_refusal_is_a_problem(http, method, path, options, status, kind):
    answer = http.request(method, path, **options)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"urn:foveal:problem:{kind}"), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == status and problem["title"] and problem["detail"]
    assert problem["request_id"] == answer.headers["X-Request-Id"]


def test_unreadable_files_are_refused_and_the_rest_is_taken(taught, shapes):
    client = taught
    client.create("odd")
    told = client.upload("odd", [b"a text", b"", (shapes / "disc" / "disc 0.png").read_bytes()], label="disc")
    assert [one["state"] for one in told] == ["refused", "refused", "staged"]
    assert "text" in told[0]["reason"] and "empty" in told[1]["reason"]


def test_teaching_too_little_says_so_and_loses_nothing(taught, shapes):
    taught.create("little")
    taught.upload("little", [shapes / "disc" / "disc 0.png"], label="disc")
    with pytest.raises(JobError, match="at least two classes"):
        taught.teach("little")
    assert len(list(taught.workspaces())) >= 2
    assert next(w for w in taught.workspaces() if w["name"] == "little")["staged"] == 1


def test_correct_rename_and_forget(taught, shapes, http, served):
    client = taught
    client.create("mend")
    for label in ("disc", "square"):
        client.upload("mend", sorted((shapes / label).iterdir())[:8], label=label)
    client.upload("mend", [shapes / "square" / "square 9.png"], label="disc")
    client.teach("mend", single=True)
    wrong = next(one for one in client.pictures("mend") if one["name"] == "disc/square 9.png")
    client.correct("mend", [wrong["id"]], label="square")
    assert next(one for one in client.pictures("mend") if one["id"] == wrong["id"])["labels"] == ["square"]
    renamed = http.post("/v1/workspaces/mend/classes", json={"names": {"square": "box"}}, headers={"Prefer": "wait=30"})
    assert renamed.json()["result"]["classes"] == ["box", "disc"]
    folder = served.folder / "workspaces" / "mend"
    copy = folder / "unpacked" / "uploads" / "disc" / "square 9.png"
    assert copy.is_file()
    certificate = client.forget("mend", [wrong["id"]])
    assert certificate["scan"]["n_found"] == 0 and not copy.exists()
    key = load_public(folder / "keys" / "public.pem")
    assert verify_certificate(certificate, key) == []
    listed = http.get("/v1/workspaces/mend/certificates").json()["certificates"]
    whole = http.get(f"/v1/workspaces/mend/certificates/{listed[0]['id']}").json()
    assert whole == certificate and listed[0]["pictures"] == 1
    assert verify_certificate({**whole, "n_erased": 9}, key)  # a changed one does not verify
    assert http.post("/v1/workspaces/mend/verify", headers={"Prefer": "wait=30"}).json()["result"]["problems"] == []


def test_one_click_teaches_and_the_next_answer_shows_it(taught, http, new_picture):
    """A kept look that is settled becomes a taught picture, and is kept no longer."""
    data = disc(new_picture, 3).read_bytes()
    before = http.post("/v1/workspaces/shapes/look", files={"file": data}, data={"keep": "true"}).json()
    assert before["kept"] in {one["name"] for one in http.get("/v1/workspaces/shapes/queue").json()["asked"]}
    assert http.get(f"/v1/workspaces/shapes/queue/{before['kept']}/picture").status_code == 200
    job = http.post(
        "/v1/workspaces/shapes/queue/settle", json={"names": [before["kept"]], "label": "stripes"},
        headers={"Prefer": "wait=30"},
    ).json()  # fmt: skip
    assert job["state"] == "done", job
    after = http.post("/v1/workspaces/shapes/look", files={"file": data}).json()
    assert after["probabilities"]["stripes"] > before["probabilities"]["stripes"]
    assert before["kept"] not in {one["name"] for one in http.get("/v1/workspaces/shapes/queue").json()["asked"]}
    assert sum(one["name"].startswith("looks/") for one in taught.pictures("shapes")) == 1


def test_forgetting_reaches_kept_looks_of_the_same_file(taught, http, served, shapes):
    picture = next(one for one in taught.pictures("shapes") if one["name"] == "disc/disc 5.png")
    stored = served.folder / "workspaces" / "shapes" / "unpacked" / "uploads" / picture["name"]
    data = stored.read_bytes()
    kept = http.post("/v1/workspaces/shapes/look", files={"file": data}, data={"keep": "true"}).json()["kept"]
    assert taught.forget("shapes", [picture["id"]])["scan"]["n_found"] == 0
    assert http.get(f"/v1/workspaces/shapes/queue/{kept}/picture").status_code == 422
    folder = served.folder / "workspaces" / "shapes"
    left = [file for file in folder.rglob("*") if file.is_file() and data in file.read_bytes()]
    assert left == []


def test_a_zip_is_unpacked_and_its_folders_are_the_classes(taught, http, shapes, tmp_path):
    taught.create("zipped")
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        for file in sorted(shapes.rglob("*.png"))[::3]:
            zipped.write(file, f"photos/{file.parent.name}/{file.name}")
        zipped.writestr("photos/disc/broken.jpg", b"no picture")
    job = http.post("/v1/workspaces/zipped/zips", content=path.read_bytes(), headers={"Prefer": "wait=30"}).json()
    assert job["state"] == "done", job
    assert job["result"]["staged"] == 12 and [one["name"] for one in job["result"]["refused"]] == ["broken.jpg"]
    waiting = http.get("/v1/workspaces/zipped/pictures?staged=true").json()["pictures"]
    labels = {one["labels"][0] for one in waiting}
    assert labels == {"disc", "square", "stripes"}


def test_gallery_find_recommend(taught, http, shapes, new_picture):
    taught.create("store", "gallery")
    for folder in sorted(shapes.iterdir()):
        for file in sorted(folder.iterdir())[:6]:
            columns = json.dumps({"item": file.stem, "price": 3})
            http.post("/v1/workspaces/store/pictures", files={"file": file.read_bytes()},
                      data={"label": folder.name, "columns": columns}).raise_for_status()  # fmt: skip
    assert taught.teach("store")["items"] == 18
    found = taught.find("store", shapes / "disc" / "disc 2.png", k=4, where="category = 'disc'", cut_off=0.01)
    hits = found["hits"] + found["others"]
    assert hits[0]["item"] == "disc 2" and hits[0]["columns"] == {"category": "disc", "price": 3}
    assert "path" not in hits[0]  # where pictures lie on the server is nobody's business
    liked = taught.recommend("store", ["disc 2"], k=3)
    assert len(liked["hits"]) == 3 and "disc 2" not in {hit["item"] for hit in liked["hits"]}
    wrong = http.post(
        "/v1/workspaces/store/find", files={"file": disc(new_picture).read_bytes()}, data={"where": "color = 3"}
    )
    assert wrong.status_code == 422 and "color" in wrong.json()["detail"]


# -- what every request may rely on -----------------------------------------------------------------------


def test_an_idempotency_key_makes_a_change_happen_once(http):
    headers = {"Idempotency-Key": "one"}
    first = http.post("/v1/workspaces", json={"name": "once"}, headers=headers)
    again = http.post("/v1/workspaces", json={"name": "once"}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201) and first.json() == again.json()
    assert again.headers["Idempotent-Replay"] == "true"
    assert http.post("/v1/workspaces", json={"name": "once"}).status_code == 422  # without the key it is a second one
    other = http.post("/v1/workspaces", json={"name": "twice"}, headers=headers)
    assert other.status_code == 422 and "another request" in other.json()["detail"]


def test_idempotent_uploads_by_the_client_keep_one_copy(taught, shapes, served):
    taught.create("copies")
    for _ in range(2):
        told = taught.upload("copies", [shapes / "disc" / "disc 1.png"], label="disc")
        assert told[0]["state"] == "staged"
    folder = served.folder / "workspaces" / "copies" / "unpacked" / "uploads" / "disc"
    assert [file.name for file in folder.iterdir()] == ["disc 1.png"]


def test_cursors_walk_through_everything_once(http, taught):
    names, after = [], 0
    while after is not None:
        page = http.get(f"/v1/workspaces/shapes/pictures?most=7&after={after}").json()
        names += [one["name"] for one in page["pictures"]]
        after = page["next"]
    assert len(names) == len(set(names)) == len(list(taught.pictures("shapes")))
    numbers, before = [], 0
    while before is not None:
        page = http.get(f"/v1/log?most=5&before={before}").json()
        numbers += [one["number"] for one in page["records"]]
        before = page["next"]
    assert numbers == sorted(set(numbers), reverse=True) and numbers[-1] == 1


def test_progress_comes_as_events_and_a_job_can_be_cancelled(http, taught, shapes):
    taught.create("slow")
    for label in ("disc", "square"):
        taught.upload("slow", sorted((shapes / label).iterdir()), label=label)
    first = http.post("/v1/workspaces/slow/teach", json={"single": True}).json()
    second = http.post("/v1/workspaces/shapes/evaluate").json()
    assert http.post(f"/v1/jobs/{second['id']}/cancel").json()["state"] == "cancelled"
    stages = []
    with http.stream("GET", f"/v1/jobs/{first['id']}/events") as events:
        assert events.headers["Content-Type"].startswith("text/event-stream")
        for line in events.iter_lines():
            if line.startswith("data: "):
                job = json.loads(line[6:])
                stages.append(job["progress"]["stage"])
    assert job["state"] == "done" and {"seeing", "remembering"} & set(stages), stages
    again = http.post(f"/v1/jobs/{second['id']}/cancel")
    assert again.status_code == 422  # it has ended
    assert http.get(f"/v1/jobs/{second['id']}").json()["state"] == "cancelled"


def test_a_running_job_is_cancelled_and_the_next_one_runs(http, taught):
    running = http.post("/v1/workspaces/shapes/evaluate").json()["id"]
    wait_until(lambda: http.get(f"/v1/jobs/{running}").json()["state"] != "queued")
    cancelled = http.post(f"/v1/jobs/{running}/cancel")
    assert cancelled.status_code in (200, 422)
    after = http.post("/v1/workspaces/shapes/evaluate", headers={"Prefer": "wait=30"}).json()
    assert after["state"] == "done", after


def test_figures_and_log_know_what_happened(http, taught):
    told = http.get("/v1/workspaces/shapes/figures")
    assert told.status_code in (200, 404)
    log = http.get("/v1/log?most=1000").json()["records"]
    taught_by = {(one["who"], one.get("workspace")) for one in log if one["what"] == "job teach"}
    assert ("admin", "shapes") in taught_by
    assert http.post("/v1/log/verify").json() == {"problems": []}


def test_health_metrics_and_logs_name_nobody(served, http, new_picture):
    http.post("/v1/workspaces/shapes/look", files={"file": ("Jane Doe.png", disc(new_picture).read_bytes())})
    assert httpx.get(served.address + "/healthz").text == "ok\n"
    assert httpx.get(served.address + "/readiness").text == "ready\n"
    figures = httpx.get(served.address + "/metrics").text
    assert 'foveal_requests_total{method="POST",route="/v1/workspaces/{name}/look",status="200"}' in figures
    log = served.log.read_text()
    assert "Jane" not in log and "shapes" not in log and "admin" not in log
    assert all(json.loads(line)["event"] == "request" for line in log.splitlines() if line.startswith("{"))


def test_the_client_waits_while_the_server_is_busy_and_says_what_went_wrong(served):
    with pytest.raises(ServerError, match="Sign in, or give a key") as refused:
        Client(served.address, "fv_none_none").workspaces()
    assert refused.value.status == 401 and refused.value.kind == "sign-in-first" and refused.value.request_id
    with pytest.raises(ServerError, match="does not answer"):
        Client("http://127.0.0.1:9", "x", tries=1).workspaces()


def test_retention_forgets_kept_looks_by_the_same_workflow(served, http, taught, new_picture):
    kept = http.post(
        "/v1/workspaces/shapes/look", files={"file": disc(new_picture, 4).read_bytes()}, data={"keep": "true"}
    ).json()["kept"]
    folder = served.folder / "workspaces" / "shapes" / "looked"
    file = next((folder / "unpacked" / "looked").glob(f"{kept}.*"))
    job = http.post("/v1/workspaces/shapes/queue/settle", json={"names": [kept]}, headers={"Prefer": "wait=30"}).json()
    assert job["state"] == "done" and job["kind"] == "expire" and job["result"]["erased"] == 1
    assert not file.exists()
    newest = sorted((folder / "certificates").glob("*.json"))[-1]
    assert json.loads(newest.read_text())["scan"]["n_found"] == 0


def test_texts_are_all_there():
    texts = read_texts()
    assert texts("home.pictures", n=3) == "3 pictures"
    with pytest.raises(KeyError):
        texts("nothing")


def test_a_picture_taken_at_the_wrong_size_is_still_one_answer(http):
    import io

    for size in ((1, 1), (3, 4000)):
        buffer = io.BytesIO()
        draw_shape("disc", 1).resize(size).save(buffer, "PNG")
        answer = http.post("/v1/workspaces/shapes/look", files={"file": buffer.getvalue()})
        assert answer.status_code == 200 and "tiny" in answer.json()["flags"], answer.text


def test_many_files_in_one_request_are_all_taken(taught, shapes):
    """More than may wait for a free process at a time."""
    taught.create("many")
    files = sorted(shapes.rglob("*.png")) * 3
    told = taught.upload("many", files, label="all")
    assert len(told) == 108 and {one["state"] for one in told} == {"staged"}


def test_who_follows_a_queued_job_hears_that_it_was_cancelled(http, served, taught):
    http.post("/v1/workspaces/shapes/evaluate").raise_for_status()  # the one before it in the queue
    waiting = http.post("/v1/workspaces/shapes/evaluate").json()["id"]
    heard: list = []

    def follow():
        with served.http(taught._key).stream("GET", f"/v1/jobs/{waiting}/events", timeout=20) as events:
            heard.extend(json.loads(line[6:])["state"] for line in events.iter_lines() if line.startswith("data: "))

    thread = threading.Thread(target=follow)
    thread.start()
    wait_until(lambda: heard or thread.is_alive())
    time.sleep(0.2)
    assert http.post(f"/v1/jobs/{waiting}/cancel").status_code == 200
    thread.join(15)
    assert not thread.is_alive() and heard[-1] == "cancelled"
