"""Watching: nothing lost or judged twice, alerts that arrive, are not repeated and are tried again."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from foveal.audits.drift import find_drift
from foveal.core.errors import InputError
from foveal.core.image import Image as Picture
from foveal.imaging.appearance import measure_appearance
from foveal.imaging.shift import measure_shift
from foveal.metrics.change_point import find_change
from foveal.store.journal import Journal, Sighting
from foveal.video.frames import StreamError, hide_secrets, read_frames
from foveal.workflows.alerting import AlertRules, AppriseNotifier, Notifier, deliver
from foveal.workflows.arrivals import open_arrivals
from foveal.workflows.drifting import measure_drift
from foveal.workflows.inspection.keeping import open_part
from foveal.workflows.inspection.teaching import PartChoices, teach_good
from foveal.workflows.trending import measure_trends, write_trends
from foveal.workflows.watching import WatchRules, watch
from tests.inspection.parts import draw_part, write_parts


@pytest.fixture(scope="module")
def part(tmp_path_factory):
    root = tmp_path_factory.mktemp("line")
    write_parts(root / "good", range(40))
    teach_good(root / "good", root / "part", PartChoices(size=128, way="aligned", false_alarms=0.025))
    return root / "part"


class Sink:
    """A real HTTP server that takes alerts, or refuses them."""

    def __init__(self):
        sink = self
        self.bodies: list[dict] = []
        self.status = 200

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if sink.status == 200:
                    sink.bodies.append(json.loads(body))
                self.send_response(sink.status)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"json://127.0.0.1:{self.server.server_port}/alerts"


@pytest.fixture
def sink():
    one = Sink()
    yield one
    one.server.shutdown()
    one.server.server_close()


def write(folder, number, defect=False):
    folder.mkdir(exist_ok=True)
    path = folder / f"{number:04d}.png"
    draw_part(number, defect=defect)[0].save(path)
    os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))
    return path


ONCE = WatchRules(once=True)


def look_once(part, folder, journal, notifiers=(), rules=ONCE):
    names = []
    done = watch(open_part(part), open_arrivals(str(folder)), journal, notifiers=notifiers, rules=rules,
                 tell=lambda name, found, reason, image: names.append(name))  # fmt: skip
    return done, names


def test_a_folder_is_judged_once_in_order_and_alerts_carry_the_evidence(part, tmp_path, sink):
    folder = tmp_path / "in"
    for number in (105, 101, 103):
        write(folder, number)
    write(folder, 102, defect=True)
    (folder / "half.jpg").write_bytes(b"\xff\xd8\xff\xe0 half")
    os.utime(folder / "half.jpg", (1_700_000_900, 1_700_000_900))
    (folder / "note.txt").write_text("no picture")
    notifier = AppriseNotifier([sink.url])
    with Journal(tmp_path / "journal") as journal:
        done, names = look_once(part, folder, journal, [notifier])
        assert names == ["0101.png", "0102.png", "0103.png", "0105.png", "half.jpg"]
        assert (done.n_not_good, done.n_unreadable, done.n_sent) == (1, 1, 1)
        assert "0102.png: not good" in sink.bodies[0]["message"]
        assert sink.bodies[0]["attachments"][0]["mimetype"] == "image/png"
        assert look_once(part, folder, journal, [notifier])[1] == []
        write(folder, 103, defect=True)  # the same name with another content is another picture
        os.utime(folder / "0103.png", (1_700_000_500, 1_700_000_500))
        assert look_once(part, folder, journal)[1] == ["0103.png"]
    assert measure_trends(tmp_path / "journal", 100)[0].source == "in"


def test_a_half_written_file_is_left_until_it_is_whole(part, tmp_path):
    folder = tmp_path / "in"
    whole = write(folder, 200)
    data = whole.read_bytes()
    stop = threading.Event()
    told = []
    whole.write_bytes(data[: len(data) // 2])  # now: young and cut

    def run():
        with Journal(tmp_path / "journal") as own:
            watch(open_part(part), open_arrivals(str(folder)), own, rules=WatchRules(poll_s=0.2),
                  tell=lambda name, found, reason, image: told.append((name, found)), stop=stop.is_set)  # fmt: skip

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    time.sleep(2.5)
    told_early = list(told)
    whole.write_bytes(data)
    deadline = time.monotonic() + 20
    while not told and time.monotonic() < deadline:
        time.sleep(0.1)
    stop.set()
    thread.join()
    assert told_early == []
    assert [(name, found is not None) for name, found in told] == [("0200.png", True)]


class Recorder(Notifier):
    """A target that keeps what it is sent, or fails."""

    def __init__(self):
        self.texts, self.problem = [], ""

    def send(self, title, text, evidence):
        if not self.problem:
            self.texts.append(text)
        return self.problem


def test_the_same_trouble_is_told_once_and_counted(tmp_path):
    target, rules = Recorder(), AlertRules(quiet_s=600)
    with Journal(tmp_path) as journal:
        for second in range(5):
            seen = Sighting(f"k{second}", "line", "x", float(second), "defect", 1.0, 0.001)
            journal.record(seen, ("line defect center", f"picture {second}", ""), quiet_s=rules.quiet_s)
        journal.record(Sighting("k0", "line", "x", 0.0, "defect"), ("line defect center", "again", ""))
        assert deliver(journal, [target], rules, "t", 10.0) == 1
        assert target.texts == ["picture 0 (alert 1)\nSeen 4 more times since."]
        journal.record(
            Sighting("other", "line", "x", 20.0, "defect"), ("line defect left", "elsewhere", ""), quiet_s=600
        )
        journal.record(Sighting("late", "line", "x", 700.0, "defect"), ("line defect center", "late", ""), quiet_s=600)
        assert deliver(journal, [target], rules, "t", 700.0) == 2


def test_a_target_that_is_down_gets_everything_later(tmp_path, sink):
    sink.status = 503
    notifier, rules = AppriseNotifier([sink.url]), AlertRules(per_hour=100)
    with Journal(tmp_path) as journal:
        for number in range(3):
            journal.alert(f"s{number}", f"trouble {number}", 0.0)
        assert deliver(journal, [notifier], rules, "t", 0.0) == 0
        waits = [alert.next_try for alert in journal.waiting()]
        assert waits == [5.0, 5.0, 5.0]
        assert deliver(journal, [notifier], rules, "t", 1.0) == 0  # too early to try again
        assert deliver(journal, [notifier], rules, "t", 6.0) == 0
        assert journal.waiting()[0].next_try == 16.0  # twice the wait
    sink.status = 200
    with Journal(tmp_path) as journal:  # after a restart
        assert deliver(journal, [notifier], rules, "t", 20.0) == 3
        assert [body["message"].split(" (")[0] for body in sink.bodies] == ["trouble 0", "trouble 1", "trouble 2"]
        assert journal.waiting() == []


def test_the_limit_per_hour_holds_back_and_loses_nothing(tmp_path):
    target, rules = Recorder(), AlertRules(per_hour=3)
    with Journal(tmp_path) as journal:
        for number in range(8):
            journal.alert(f"s{number}", f"trouble {number}", 0.0)
        sent = [deliver(journal, [target], rules, "t", hour * 3601.0) for hour in range(4)]
    assert sent == [3, 3, 2, 0]
    assert "5 more alerts are held back" in target.texts[0]
    assert len(target.texts) == 8


def test_what_nobody_answers_is_escalated_once(tmp_path):
    duty, chief, rules = Recorder(), Recorder(), AlertRules(escalate_after_s=60)
    with Journal(tmp_path) as journal:
        journal.alert("a", "first", 0.0)
        journal.alert("b", "second", 0.0)
        deliver(journal, [duty, chief], rules, "t", 1.0)
        assert [alert.text for alert in journal.unacknowledged()] == ["first", "second"]
        assert journal.acknowledge(2.0, [1]) == 1
        for now in (30.0, 90.0, 200.0):
            deliver(journal, [duty, chief], rules, "t", now)
    assert len(duty.texts) == 2
    assert [text.split(" (")[0] for text in chief.texts] == ["Not acknowledged: second"]


def test_a_target_of_no_known_form_is_refused():
    with pytest.raises(InputError, match="nonsense"):
        AppriseNotifier(["nonsense://x"])


def test_a_killed_watch_goes_on_where_it_was(part, tmp_path):
    folder = tmp_path / "in"
    for number in range(300, 340):
        write(folder, number, defect=number % 10 == 0)
    command = [sys.executable, "-m", "foveal", "watch", str(folder), "--with", str(part),
               "--journal", str(tmp_path / "journal")]  # fmt: skip
    for wait in (1.2, 1.5, 1.8):
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait)
        running.send_signal(signal.SIGKILL)
        running.wait()
    done = subprocess.run([*command, "--once", "--json"], capture_output=True, text=True)
    plain = json.loads(done.stdout)
    with Journal(tmp_path / "journal") as journal:
        seen = journal.recent(1000)
        assert [s.name for s in seen] == [f"{number:04d}.png" for number in range(300, 340)]
        bad = [s for s in seen if s.verdict != "good"]
        assert len(bad) >= 4
        assert sum(1 + alert.repeats for alert in journal.waiting() if not alert.subject.startswith("drift")) == len(
            bad
        )
    assert all(os.path.isfile(alert["evidence"]) for alert in plain["waiting"] if alert["evidence"])


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    av = pytest.importorskip("av")
    path = tmp_path_factory.mktemp("video") / "line.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 240, 180, "yuv420p", 8_000_000
        for number in range(60):
            frame = av.VideoFrame.from_ndarray(np.asarray(draw_part(number, defect=number >= 40)[0]), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_a_video_is_watched_frame_by_frame_and_resumed(part, tmp_path, video):
    assert [round(frame.seconds, 1) for frame in read_frames(str(video), 1.0)] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    learned = open_part(part)
    stopped: list[str] = []
    with Journal(tmp_path) as journal:
        first = watch(learned, open_arrivals(str(video), every_s=1.0), journal, stop=lambda: len(stopped) >= 3,
                      tell=lambda name, found, reason, image: stopped.append(name))  # fmt: skip
        second = watch(learned, open_arrivals(str(video), every_s=1.0), journal)
        assert first.n_good + first.n_not_good == 3
        assert first.n_good + first.n_not_good + second.n_good + second.n_not_good == 6
        verdicts = {s.key.rpartition("|")[2]: s.verdict for s in journal.recent(10)}
        assert verdicts["5.000"] != "good"


def test_a_camera_that_is_gone_is_told_and_tried_again(part, tmp_path):
    with Journal(tmp_path) as journal:
        arrivals = open_arrivals("rtsp://user:secret@127.0.0.1:9/live")
        watch(open_part(part), arrivals, journal, rules=ONCE)
        text = journal.waiting()[0].text
        assert text.startswith("No pictures: rtsp://127.0.0.1:9/live")
        assert "secret" not in text
        assert not arrivals.is_finished
    assert hide_secrets("http://a:b@c/d") == "http://c/d"
    with pytest.raises(StreamError):
        list(read_frames(str(tmp_path / "watch.db"), 1.0))
    with pytest.raises(InputError, match="neither"):
        open_arrivals(str(tmp_path / "nowhere"))


def dim(image, share=0.55, right=0):
    pixels = np.roll(np.asarray(image), right, axis=1)
    return Image.fromarray((pixels * share).astype(np.uint8))


def test_drift_is_told_with_its_reason_and_the_new_normal_accepted(part, tmp_path):
    shutil.copytree(part, tmp_path / "part")
    for kind in ("same", "dim"):
        (tmp_path / kind).mkdir()
        for seed in range(600, 630):
            picture = draw_part(seed)[0]
            (picture if kind == "same" else dim(picture, right=24)).save(tmp_path / kind / f"{seed}.png")
    steady = measure_drift(tmp_path / "part", tmp_path / "same")
    assert not steady.drift.is_certain
    assert str(steady.shift) == ""
    found = measure_drift(tmp_path / "part", tmp_path / "dim", accept=True)
    assert found.drift.is_certain
    assert "darker" in str(found.drift)
    assert str(found.shift) == "the scene has moved 10% to the right"
    assert found.accepted.inspector.n_good == 70
    again = tmp_path / "again"
    again.mkdir()
    for seed in range(700, 730):
        dim(draw_part(seed)[0], right=24).save(again / f"{seed}.png")
    assert not measure_drift(tmp_path / "part", again).drift.is_certain


def test_a_watch_warns_of_drift_by_itself(part, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for seed in range(800, 840):
        Image.fromarray((np.asarray(draw_part(seed)[0]) * 0.9).astype(np.uint8)).save(folder / f"{seed}.png")
    learned = open_part(part)
    blind = dataclasses.replace(learned, inspector=dataclasses.replace(learned.inspector, false_alarms=0.001))
    with Journal(tmp_path / "j") as journal:
        watch(blind, open_arrivals(str(folder)), journal, rules=ONCE)
        told = [alert for alert in journal.waiting() if alert.subject.startswith("drift")]
        assert (len(told) == 1) == (sum(s.p_value <= 0.2 for s in journal.recent(50)) > 20)


def test_looks_that_change_are_named():
    rng = np.random.default_rng(0)
    bright = [measure_appearance(Picture(rng.integers(100, 200, (64, 64, 3), np.uint8), "a")) for _ in range(30)]
    dark = [measure_appearance(Picture(rng.integers(20, 120, (64, 64, 3), np.uint8), "a")) for _ in range(30)]
    assert [r.said for r in find_drift(bright, dark, [0.5] * 30).reasons][:1] in (["darker"], ["darker at the border"])
    assert find_drift(bright, bright, [0.5] * 30).reasons == ()
    assert not find_drift(bright, dark, [0.01] * 5).is_certain
    assert "Too few" in str(find_drift(bright, dark, [0.01] * 5))


def test_a_shift_is_measured_and_noise_has_none():
    rng = np.random.default_rng(1)
    scene = np.asarray(Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8)).resize((256, 256)))
    moved = np.roll(scene, (-16, 32), axis=(0, 1))
    shift = measure_shift(Picture(scene, "a"), Picture(moved, "b"))
    assert (round(shift.right, 3), round(shift.down, 3)) == (0.125, -0.062)
    assert str(measure_shift(Picture(scene, "a"), Picture(scene.copy(), "b"))) == ""


def test_changes_of_level_are_found_and_steady_ones_are_not(tmp_path):
    rng = np.random.default_rng(2)
    alarms = sum(find_change(rng.normal(size=60)).p_value < 0.05 for _ in range(200))
    assert alarms <= 16  # the approximation is conservative
    steps = [find_change(np.concatenate([rng.normal(0, 1, 40), rng.normal(2, 1, 25)])) for _ in range(50)]
    assert sum(step.p_value < 0.01 and abs(step.place - 40) <= 4 for step in steps) >= 45
    assert find_change(np.zeros(5)) is None
    with Journal(tmp_path) as journal:
        for n in range(60):
            journal.record(Sighting(f"k{n}", "line 3", f"{n}.png", 1.7e9 + n, "good", float(n >= 30) + 0.01 * n, 0.5))
    trends = measure_trends(tmp_path, 1000)
    assert trends[0].change.place == 30
    page = write_trends(trends, tmp_path / "t.html").read_text("utf-8")
    assert "line 3" in page
    assert "level changed" in page
    with pytest.raises(InputError, match="no journal"):
        measure_trends(tmp_path / "none", 10)
