"""The child that watches one folder or camera: judges what arrives, keeps a journal, tells people."""

from pathlib import Path
from typing import Any

from foveal.core.image import Image
from foveal.core.inspection import Inspection
from foveal.server.child import Report, Task
from foveal.server.watches import HEAT, PICTURE
from foveal.server.wire import Message
from foveal.store.files import write_aside
from foveal.store.journal import Journal
from foveal.workflows.alerting import AlertRules, AppriseNotifier, Notifier
from foveal.workflows.arrivals import open_arrivals
from foveal.workflows.inspection.look_files import open_inspector
from foveal.workflows.showing import show_inspection
from foveal.workflows.telling import ManyNotifiers, MqttNotifier, WebhookNotifier
from foveal.workflows.watching import WatchRules, watch


def run(asked: dict[str, Any], blobs: list[bytes], report: Report) -> Message:
    """Watch until the child is ended."""
    folder = Path(asked["journal"])
    learned = open_inspector(asked["folder"])
    arrivals = open_arrivals(asked["source"], name=asked["name"], every_s=asked["every"])
    notifiers = [_make(target, asked["name"]) for target in asked["targets"]]
    several = ManyNotifiers(tuple(notifiers)) if notifiers else None
    count = [0]

    def tell(name: str, found: Inspection | None, reason: str, image: Image | None) -> None:
        count[0] += 1
        for one in notifiers:
            if isinstance(one, MqttNotifier):
                one.publish_state("unreadable" if found is None else found.verdict, found.score if found else None)
        if found is not None and image is not None:
            layers = show_inspection(image, found)
            write_aside(folder / PICTURE, [layers.picture])
            write_aside(folder / HEAT, [layers.heat])
        report("watching", count[0], 0)

    rules = WatchRules(poll_s=asked["every"], alerts=AlertRules(quiet_s=asked.get("quiet", 600.0)))
    with Journal(folder) as journal:
        done = watch(learned, arrivals, journal, notifiers=[several], rules=rules, tell=tell)
    return {"good": done.n_good, "not_good": done.n_not_good}, []


def _make(target: dict[str, Any], name: str) -> Notifier:
    if target["kind"] == "webhook":
        return WebhookNotifier(target["address"], target["secret"])
    if target["kind"] == "mqtt":
        return MqttNotifier(target["address"], name)
    return AppriseNotifier([target["address"]])


TASKS: dict[str, Task] = {"watch": run}
