"""Fifty unclean ends: what was acknowledged is there, jobs go on or say that they failed, and the log is whole."""

import random
import threading
import time

import httpx
import pytest

from foveal.server.client import Client, JobError, ServerError
from foveal.server.jobs import ENDED
from tests.server.serving import Served, wait_until

KILLS = 50


def upload_until_the_end(client, files, acknowledged):
    """Upload one by one and note what the server says it has."""
    for file in files:
        try:
            told = client.upload("shapes", [file], label=file.parent.name)
        except (ServerError, OSError, httpx.HTTPError):
            return
        acknowledged.update(one["name"] for one in told if one["state"] in ("staged", "known"))


def teach_until_the_end(served, client, promised):
    try:
        job = client._json("POST", "/v1/workspaces/shapes/teach", {"single": True})
        promised.append(job["id"])
    except (ServerError, OSError):
        pass


def kept_names(client, http):
    waiting = {
        one["name"].rpartition("/")[2]
        for one in http.get("/v1/workspaces/shapes/pictures?staged=true&most=1000").json()["pictures"]
    }
    return waiting | {one["name"].rpartition("/")[2] for one in client.pictures("shapes")}


@pytest.mark.parametrize("seed", range(2))
def test_nothing_acknowledged_is_lost(tmp_path, new_picture, shapes, seed):
    chosen = random.Random(seed)
    served = Served(tmp_path / "home").ready()
    client = served.client()
    client = Client(served.address, client._key, tries=1)
    client.create("shapes")
    files = sorted(shapes.rglob("*.png")) + sorted(new_picture.rglob("*.png"))
    acknowledged: set[str] = set()
    promised: list[str] = []
    for kill in range(KILLS // 2):
        some = chosen.sample(files, 12)
        threads = [threading.Thread(target=upload_until_the_end, args=(client, some, acknowledged))]
        if kill % 2:
            threads.append(threading.Thread(target=teach_until_the_end, args=(served, client, promised)))
        for thread in threads:
            thread.start()
        time.sleep(chosen.uniform(0.05, 1.2))
        served.kill()
        for thread in threads:
            thread.join()
        served.start()
        http = served.http(client._key)
        assert acknowledged <= kept_names(client, http), acknowledged - kept_names(client, http)
    for number in promised:
        wait_until(lambda number=number: http.get(f"/v1/jobs/{number}").json()["state"] in ENDED, 60)
        job = http.get(f"/v1/jobs/{number}").json()
        assert job["state"] == "done" or job["problem"], job
    assert promised and http.post("/v1/log/verify").json() == {"problems": []}
    served.ready()
    for label in ("disc", "square", "stripes"):
        client.upload("shapes", sorted((shapes / label).iterdir()), label=label)
    try:
        client.teach("shapes", single=True)
    except (JobError, ServerError) as problem:
        assert "No pictures wait" in str(problem)
    checked = http.post("/v1/workspaces/shapes/verify", headers={"Prefer": "wait=30"}).json()
    assert checked["result"]["problems"] == [], checked
    assert len(kept_names(client, http)) == len(
        acknowledged | {file.name for file in files if file.parent.parent == shapes}
    )
    served.stop()
