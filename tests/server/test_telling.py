"""Messages to other programs: signed webhooks, an MQTT broker with Home Assistant's discovery, alerts of a watch."""

import asyncio
import http.server
import json
import logging
import shutil
import threading
import time

import pytest
from amqtt.broker import Broker
from paho.mqtt.client import CallbackAPIVersion
from paho.mqtt.client import Client as Mqtt

from foveal.workflows.telling import MqttNotifier, WebhookNotifier, is_genuine
from tests.inspection.parts import write_parts
from tests.server.serving import free_port, wait_until


class Inbox:
    """A program that takes webhooks; `refuse` of them are answered with an error first."""

    def __init__(self, refuse=0):
        self.got: list = []
        self.refuse = refuse
        inbox = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                inbox.refuse -= 1
                if inbox.refuse < 0:
                    inbox.got.append((self.headers["Foveal-Signature"], body))  # before whoever sent it goes on
                self.send_response(500 if inbox.refuse >= 0 else 204)
                self.end_headers()

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def inbox():
    one = Inbox()
    yield one
    one.close()


@pytest.fixture(scope="module")
def broker():
    """A real broker on a port of its own."""
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    port, loop = free_port(), asyncio.new_event_loop()
    config = {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    made = Broker(config, loop=loop)
    loop.run_until_complete(made.start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield f"mqtt://127.0.0.1:{port}"
    asyncio.run_coroutine_threadsafe(made.shutdown(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


@pytest.fixture
def heard(broker):
    """Messages by topic, as another program hears them."""
    messages: dict = {}
    client = Mqtt(CallbackAPIVersion.VERSION2)
    client.on_message = lambda _, __, message: messages.setdefault(message.topic, json.loads(message.payload))
    client.connect("127.0.0.1", int(broker.rpartition(":")[2]))
    client.subscribe("#", qos=1)
    client.loop_start()
    time.sleep(0.3)
    yield messages
    client.loop_stop()
    client.disconnect()


def test_a_webhook_is_signed_and_a_forged_or_old_one_is_told_apart(inbox, tmp_path):
    picture = tmp_path / "evidence.png"
    picture.write_bytes(b"\x89PNG")
    assert WebhookNotifier(inbox.address, "secret").send("title", "text", str(picture)) == ""
    header, body = inbox.got[0]
    assert json.loads(body)["title"] == "title" and json.loads(body)["evidence_png"] == "iVBORw=="
    assert is_genuine("secret", header, body, now=time.time())
    assert not is_genuine("other", header, body, now=time.time())
    assert not is_genuine("secret", header, body + b" ", now=time.time())
    assert not is_genuine("secret", header, body, now=time.time() + 3600)
    assert not is_genuine("secret", "t=,v1=", body, now=time.time())


def test_a_webhook_that_does_not_answer_is_a_problem_and_no_crash():
    assert WebhookNotifier("http://127.0.0.1:9/x", "s").send("t", "t", "") != ""
    refusing = Inbox(refuse=1)
    assert "500" in WebhookNotifier(refusing.address, "s").send("t", "t", "")
    refusing.close()


def test_mqtt_says_what_home_assistant_needs(broker, heard):
    notifier = MqttNotifier(broker, "Line 3")
    assert notifier.publish_state("defect", 1.5) == "" and notifier.send("title", "broken", "") == ""
    wait_until(lambda: len(heard) == 4)
    found = heard["homeassistant/binary_sensor/foveal_line_3/problem/config"]
    assert found["state_topic"] in heard and found["device_class"] == "problem" and found["unique_id"]
    assert heard[found["state_topic"]] == {"verdict": "defect", "score": 1.5}
    assert heard["foveal/line_3/alert"]["text"] == "broken"
    notifier._client.loop_stop()
    notifier._client.disconnect()


def test_a_broker_that_is_not_there_is_a_problem():
    assert MqttNotifier("mqtt://127.0.0.1:9", "x").send("t", "t", "") != ""


def test_a_watch_tells_by_webhook_and_mqtt_and_goes_on_after_a_restart(served, broker, heard, inbox, tmp_path):
    """The whole way: good parts taught, a folder watched, a defect arrives, people are told, somebody answers."""
    client = served.client()
    client.create("part", "inspector")
    good = write_parts(tmp_path / "good", range(30))
    for start in range(0, 30, 10):
        client.upload("part", good[start : start + 10], label="good")
    points = client.teach("part", false_alarms=0.05)["points"]
    assert points["promised"] == 0.05 and 0 <= points["points"][0]["measured"] <= 0.2
    http = served.http(client._key)
    for kind, address in (("webhook", inbox.address), ("mqtt", broker)):
        assert http.post("/v1/targets", json={"kind": kind, "address": address}).status_code == 201
    line = tmp_path / "line"
    line.mkdir()
    given = {"workspace": "part", "source": str(line), "name": "Line 7", "every": 0.2}
    watch = http.post("/v1/watches", json=given).json()["id"]
    bad = write_parts(tmp_path / "bad", [900], defect=True)[0]
    shutil.copy(bad, line / "bad.png")
    wait_until(lambda: http.get(f"/v1/watches/{watch}/seen").json()["alerts"], 60)
    wait_until(lambda: any(json.loads(body)["event"] == "alert" for _, body in inbox.got), 60)
    wait_until(lambda: "foveal/line_7/alert" in heard, 60)
    assert heard["foveal/line_7/state"]["verdict"] == "defect"
    seen = http.get(f"/v1/watches/{watch}/seen").json()
    layers = [http.get(f"/v1/watches/{watch}/latest?heat={heat}").content for heat in ("false", "true")]
    assert all(layer.startswith(b"\xff\xd8") for layer in layers) and layers[0] != layers[1] and seen["has_picture"]
    alert = seen["alerts"][0]
    assert http.get(f"/v1/watches/{watch}/alerts/{alert['id']}/picture").content.startswith(b"\x89PNG")
    assert http.post(f"/v1/watches/{watch}/acknowledge", json={"alerts": [alert["id"]]}).json() == {"acknowledged": 1}
    assert http.get(f"/v1/watches/{watch}/seen").json()["alerts"] == []
    served.kill()
    served.start()
    http = served.http(client._key)
    shutil.copy(good[3], line / "good.png")
    wait_until(lambda: len(http.get(f"/v1/watches/{watch}/seen").json()["seen"]) == 2, 60)
    verdicts = {one["name"]: one["verdict"] for one in http.get(f"/v1/watches/{watch}/seen").json()["seen"]}
    assert verdicts["bad.png"] == "defect"
    assert http.request("DELETE", f"/v1/watches/{watch}").status_code == 204
    assert http.get(f"/v1/watches/{watch}/seen").status_code == 404
