"""Inspect what arrives in a folder, from a camera or in a video, and raise alerts.

SOURCE is a folder a camera writes into, a video file, a device such as /dev/video0, or the address of a
stream (rtsp://...). Every verdict is in the journal before anything else happens, so nothing is lost or
judged twice over a restart. Alerts go to --alert targets, which are Apprise URLs (mailto://, json://,
mqtt://, slack://, ...), with the evidence attached; those that cannot be delivered are tried again.
"""

import argparse
import signal
from typing import Any

from foveal.cli.console import Console
from foveal.cli.exit_codes import ExitCode
from foveal.cli.rates import parse_rate

EXAMPLE = "foveal watch /line3 --with part.foveal --journal watched --alert json://phone.local/alerts"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be given."""
    parser.add_argument("source", nargs="?", help="folder, video file, device or address of a stream")
    parser.add_argument("--with", dest="recognizer", default="foveal-workspace", help="inspector: workspace or file")
    parser.add_argument("--journal", default="foveal-watch", metavar="FOLDER", help="what was seen, and the evidence")
    parser.add_argument("--name", default="", help="name of the camera or line; default: that of the source")
    parser.add_argument("--every", type=float, default=1.0, metavar="S", help="seconds between frames, or listings")
    parser.add_argument("--once", action="store_true", help="judge what is there and complete, then stop")
    parser.add_argument("--false-alarms", type=parse_rate, metavar="RATE", help="another promised share, such as 0.1%%")
    parser.add_argument("--alert", action="append", default=[], metavar="URL", help="where alerts go; may be repeated")
    parser.add_argument("--quiet-for", type=float, default=600, metavar="S", help="no second alert on the same trouble")
    parser.add_argument("--per-hour", type=int, default=12, metavar="N", help="no more alerts than this")
    parser.add_argument("--escalate", action="append", default=[], metavar="URL", help="where unanswered alerts go")
    parser.add_argument("--escalate-after", type=float, default=30, metavar="MIN", help="minutes without an answer")
    parser.add_argument(
        "--acknowledge", nargs="*", type=int, metavar="N", help="answer these alerts, or all of them, and stop"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Watch until interrupted."""
    from foveal.core.errors import InputError
    from foveal.store.journal import Journal

    with Journal(options.journal) as journal:
        if options.acknowledge is not None:
            return _acknowledge(journal, options.acknowledge or None, console)
        if options.source is None:
            raise InputError("Name what to watch: a folder, a video file, a device or the address of a stream.")
        return _watch(options, journal, console)


def _watch(options: argparse.Namespace, journal: Any, console: Console) -> int:
    from foveal.workflows.alerting import AlertRules, AppriseNotifier
    from foveal.workflows.arrivals import open_arrivals
    from foveal.workflows.inspection.describing import describe_inspection
    from foveal.workflows.inspection.look_files import open_inspector
    from foveal.workflows.watching import WatchRules, watch

    rules = WatchRules(
        poll_s=options.every,
        once=options.once,
        alerts=AlertRules(
            options.quiet_for, options.per_hour, 60 * options.escalate_after if options.escalate else None
        ),
    )
    notifiers = [AppriseNotifier(urls) if urls else None for urls in (options.alert, options.escalate)]
    arrivals = open_arrivals(options.source, name=options.name, every_s=options.every)
    learned = open_inspector(options.recognizer, false_alarms=options.false_alarms, progress=console.progress)
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: stopped.append(received))

    def tell(name: str, found: Any, reason: str, image: Any) -> None:
        console.note(f"skipped {name}: {reason}") if found is None else console.print(describe_inspection(found, name))

    done = watch(learned, arrivals, journal, notifiers=notifiers, rules=rules, tell=tell, stop=lambda: bool(stopped))
    waiting = journal.waiting()
    console.print(
        f"Judged {done.n_good + done.n_not_good}: {done.n_not_good} not good; {done.n_unreadable} unreadable; "
        f"{done.n_sent} alerts sent, {len(waiting)} waiting."
    )
    plain = {"good": done.n_good, "not_good": done.n_not_good, "unreadable": done.n_unreadable, "sent": done.n_sent}
    told = [{"id": a.id, "text": a.text, "evidence": a.evidence, "problem": a.problem} for a in waiting]
    console.print_json(plain | {"waiting": told})
    return ExitCode.OK


def _acknowledge(journal: Any, numbers: list[int] | None, console: Console) -> int:
    import time

    done = journal.acknowledge(time.time(), numbers)
    console.print(f"Acknowledged {done} alerts.")
    console.print_json({"acknowledged": done})
    return ExitCode.OK
