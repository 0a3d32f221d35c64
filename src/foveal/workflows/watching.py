"""Inspecting what arrives, in order, without losing anything over a restart, and raising alerts."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from foveal.audits.drift import LEAST, find_drift
from foveal.core.errors import InputError
from foveal.core.image import Appearance, Image
from foveal.core.inspection import GOOD, Inspection
from foveal.imaging.appearance import measure_appearance
from foveal.imaging.draw import encode_png
from foveal.imaging.inspection_sheet import draw_inspection, say_verdict
from foveal.store.files import write_aside
from foveal.store.journal import Journal, Sighting
from foveal.store.workspace import Workspace
from foveal.video.frames import StreamError
from foveal.workflows.alerting import AlertRules, Notifier, deliver
from foveal.workflows.arrivals import Arrival, Arrivals
from foveal.workflows.inspection.learned import LearnedInspector, good_looks
from foveal.workflows.inspection.look_files import read_good
from foveal.workflows.inspection.looking import inspect_image, read_part_picture

EVIDENCE = "evidence"
UNREADABLE = "unreadable"
WINDOW = 50  # pictures that drift is looked for in
DRIFT_QUIET_S = 24 * 3600.0
CAMERA_RETRY_S, CAMERA_LAST_RETRY_S = 1.0, 60.0
CAMERA_GONE = 3  # failed attempts before people are told


@dataclass(frozen=True)
class WatchRules:
    """How a watch goes on. `once` judges what is there and returns."""

    poll_s: float = 1.0
    once: bool = False
    alerts: AlertRules = field(default_factory=AlertRules)


@dataclass
class Watched:
    """What a watch has done so far."""

    n_good: int = 0
    n_not_good: int = 0
    n_unreadable: int = 0
    n_sent: int = 0


Told = Callable[[str, Inspection | None, str, Image | None], None]  # name, verdict and picture or neither, reason


def watch(
    learned: LearnedInspector,
    arrivals: Arrivals,
    journal: Journal,
    *,
    notifiers: Sequence[Notifier | None] = (),
    rules: WatchRules | None = None,
    tell: Told = lambda name, inspection, reason, image: None,
    stop: Callable[[], bool] = lambda: False,
) -> Watched:
    """Judge what arrives until `stop` says so; every verdict and alert is in the journal before it is told.

    A file is judged once, also over restarts; an alert is delivered at least once.
    """
    rules, watched, failures = rules or WatchRules(), Watched(), 0
    known, taught = journal.keys(), _taught_looks(learned)
    title = f"foveal: {learned.name}, {arrivals.name}"
    while not stop():
        try:
            for arrival in arrivals.fetch(known):
                failures = 0
                if _judge(learned, arrivals.name, arrival, journal, rules, watched, tell):
                    known.add(arrival.key)
                    _warn_of_drift(journal, arrivals.name, taught)
                watched.n_sent += deliver(journal, notifiers, rules.alerts, title, time.time())
                if stop():
                    return watched
        except StreamError as problem:
            failures += 1
            tell(arrivals.name, None, str(problem), None)
            if failures >= CAMERA_GONE or rules.once:
                journal.alert(f"camera {arrivals.name}", f"No pictures: {problem}", time.time(), quiet_s=DRIFT_QUIET_S)
        watched.n_sent += deliver(journal, notifiers, rules.alerts, title, time.time())
        if rules.once or arrivals.is_finished:
            return watched
        wait = min(CAMERA_LAST_RETRY_S, CAMERA_RETRY_S * 2 ** (failures - 1)) if failures else rules.poll_s
        _sleep(wait, stop)
    return watched


def _judge(
    learned: LearnedInspector,
    source: str,
    arrival: Arrival,
    journal: Journal,
    rules: WatchRules,
    watched: Watched,
    tell: Told,
) -> bool:
    """Judge and record one arrival; False where it must be looked at again."""
    now = time.time()
    try:
        image, capture = read_part_picture(learned, arrival.thing)
    except InputError as problem:
        if arrival.may_grow and not rules.once:
            return False
        journal.record(Sighting(arrival.key, source, arrival.name, now, UNREADABLE, reason=str(problem)))
        watched.n_unreadable += 1
        tell(arrival.name, None, str(problem), None)
        return True
    found = inspect_image(learned, image, capture, nearest=True)
    look = json.dumps(asdict(measure_appearance(image)))
    sighting = Sighting(arrival.key, source, arrival.name, now, found.verdict, found.score, found.p_value, look)
    alert = None
    if found.is_good:
        watched.n_good += 1
    else:
        watched.n_not_good += 1
        path = journal.folder / EVIDENCE / f"{int(1000 * now)}.png"
        path.parent.mkdir(exist_ok=True)
        write_aside(path, [encode_png(draw_inspection(image, found, read_good(learned, found)))])
        text = f"{arrival.name}: {say_verdict(found)}, p = {found.p_value:.2g}"
        alert = (f"{source} {found.verdict} {_where(found)}", text, str(path))
    journal.record(sighting, alert, quiet_s=rules.alerts.quiet_s)
    tell(arrival.name, found, "", image)
    return True


def _where(found: Inspection) -> str:
    """The ninth of the picture in which the worst region lies: trouble there again is the same trouble."""
    if not found.regions:
        return "anywhere"
    left, top, right, bottom = found.regions[0].box
    column = min(2, int(3 * (left + right) / 2 / found.width))
    row = min(2, int(3 * (top + bottom) / 2 / found.height))
    return f"{('top', 'middle', 'bottom')[row]} {('left', 'center', 'right')[column]}"


def _warn_of_drift(journal: Journal, source: str, taught: Sequence[Appearance]) -> None:
    recent = journal.recent(WINDOW, source)
    if len(recent) < LEAST:
        return
    now = [Appearance(**json.loads(one.look)) for one in recent if one.look]
    drift = find_drift(taught, now, [one.p_value for one in recent if one.p_value is not None])
    if drift.is_certain and any(one.verdict == GOOD for one in recent):
        journal.alert(f"drift {source}", str(drift), time.time(), quiet_s=DRIFT_QUIET_S)


def _taught_looks(learned: LearnedInspector) -> list[Appearance]:
    """Measures of the taught pictures' pixels; none where only a file is there."""
    if learned.folder is None:
        return []
    with Workspace.open(Path(learned.folder)) as workspace:
        return good_looks(workspace)


def _sleep(seconds: float, stop: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not stop() and time.monotonic() < until:
        time.sleep(min(0.1, max(0.0, until - time.monotonic())))
