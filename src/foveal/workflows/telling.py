"""Messages to other programs: signed webhooks, and MQTT with what Home Assistant needs to find a watch by itself."""

import hashlib
import hmac
import json
import re
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final
from urllib.parse import unquote, urlsplit

from foveal.core.errors import InputError, MissingExtraError
from foveal.workflows.alerting import Notifier

WAIT_S = 10.0
TOPIC, DISCOVERY = "foveal", "homeassistant"


def sign(secret: str, moment: int, body: bytes) -> str:
    """HMAC-SHA256 (RFC 2104) over the moment and the body, as the header says it.

    >>> sign("s", 1, b"{}")
    't=1,v1=b253639bcd705ed1cda3073f66104f16988bd40272584dea7d0d345ae93e61cc'
    """
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def is_genuine(secret: str, header: str, body: bytes, *, now: float, within_s: float = 300.0) -> bool:
    """Whether a webhook comes from who knows the secret, and is no old one sent again."""
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    if not parts.get("t", "").isdigit() or abs(now - int(parts["t"])) > within_s:
        return False
    return hmac.compare_digest(sign(secret, int(parts["t"]), body), header)


@final
@dataclass(frozen=True)
class WebhookNotifier(Notifier):
    """POSTs each event as JSON to an address, with the header Foveal-Signature."""

    address: str
    secret: str

    def send(self, title: str, text: str, evidence: str) -> str:
        """Deliver an alert, its evidence inside."""
        picture = b64encode(Path(evidence).read_bytes()).decode() if evidence and Path(evidence).is_file() else None
        return self.post("alert", {"title": title, "text": text, "evidence_png": picture})

    def post(self, event: str, about: Mapping[str, Any]) -> str:
        """Deliver an event; returns "" where it was taken, otherwise what went wrong."""
        moment = int(time.time())
        body = json.dumps({"event": event, "time": moment, **about}).encode()
        headers = {"Content-Type": "application/json", "Foveal-Signature": sign(self.secret, moment, body)}
        request = urllib.request.Request(self.address, body, headers, method="POST")
        try:
            with urllib.request.build_opener(_NoRedirects).open(request, timeout=WAIT_S):
                return ""
        except (urllib.error.URLError, OSError, ValueError) as problem:
            return str(problem)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any, **options: Any) -> None:
        """Refuse: a signed message goes where it was addressed to, and nowhere else."""


@final
@dataclass(frozen=True)
class ManyNotifiers(Notifier):
    """Several targets as one; what one of them did not take is sent to all again."""

    targets: tuple[Notifier, ...]

    def send(self, title: str, text: str, evidence: str) -> str:
        """Deliver to all."""
        return "; ".join(filter(None, (target.send(title, text, evidence) for target in self.targets)))


@final
@dataclass(eq=False)
class MqttNotifier(Notifier):
    """Publishes alerts and verdicts of one watch; Home Assistant finds its sensors by its discovery topics.

    `address` is mqtt://user:password@host:1883, or mqtts:// with TLS.
    """

    address: str
    name: str
    _client: Any = field(default=None, repr=False)

    @property
    def _slug(self) -> str:
        return re.sub(r"[^a-z0-9]+", "_", self.name.lower()).strip("_") or "watch"

    def send(self, title: str, text: str, evidence: str) -> str:
        """Publish an alert."""
        return self._publish(f"{TOPIC}/{self._slug}/alert", {"title": title, "text": text}, retain=False)

    def publish_state(self, verdict: str, score: float | None) -> str:
        """Publish the newest verdict."""
        return self._publish(f"{TOPIC}/{self._slug}/state", {"verdict": verdict, "score": score})

    def _publish(self, topic: str, plain: Mapping[str, Any], *, retain: bool = True) -> str:
        try:
            sent = self._connected().publish(topic, json.dumps(plain), qos=1, retain=retain)
            sent.wait_for_publish(WAIT_S)
            return "" if sent.is_published() else "the broker did not confirm"
        except (OSError, ValueError, RuntimeError) as problem:
            self._client = None
            return str(problem)

    def _connected(self) -> Any:
        if self._client is not None:
            return self._client
        try:
            from paho.mqtt.client import CallbackAPIVersion, Client
        except ImportError:
            raise MissingExtraError("Publishing over MQTT", "mqtt") from None
        parts = urlsplit(self.address)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise InputError("A broker's address is mqtt://host:1883 or mqtts://host:8883.")
        client = Client(CallbackAPIVersion.VERSION2)
        if parts.username:
            client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            client.tls_set()
        client.connect(parts.hostname, parts.port or (8883 if parts.scheme == "mqtts" else 1883))
        client.loop_start()
        self._client = client
        for topic, plain in describe_for_home_assistant(self._slug, self.name).items():
            client.publish(topic, json.dumps(plain), qos=1, retain=True)
        return client


def describe_for_home_assistant(slug: str, name: str) -> dict[str, dict[str, Any]]:
    """Discovery messages by topic. Source: Home Assistant, MQTT discovery."""
    device = {"identifiers": [f"foveal_{slug}"], "name": f"foveal {name}", "manufacturer": "foveal"}
    state = f"{TOPIC}/{slug}/state"
    return {
        f"{DISCOVERY}/binary_sensor/foveal_{slug}/problem/config": {
            "name": "Not good",
            "unique_id": f"foveal_{slug}_problem",
            "device_class": "problem",
            "state_topic": state,
            "value_template": "{{ 'OFF' if value_json.verdict == 'good' else 'ON' }}",
            "device": device,
        },
        f"{DISCOVERY}/sensor/foveal_{slug}/score/config": {
            "name": "Score",
            "unique_id": f"foveal_{slug}_score",
            "state_topic": state,
            "value_template": "{{ value_json.score }}",
            "device": device,
        },
    }
