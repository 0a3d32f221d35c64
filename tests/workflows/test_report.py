"""The page: complete by itself, safe with hostile names, readable, and true to its figures."""

import io
import itertools
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from foveal.audits.evaluation import Answers, measure_evaluation, measure_tags
from foveal.audits.finding import Finding
from foveal.audits.learning_curve import fit_learning_curve
from foveal.workflows.report.data import ConfusedPair, Learning, ReportData, Shown
from foveal.workflows.report.page import render_report, say_headline
from foveal.workflows.report.plots import draw_hundred, draw_interval, plot_learning_curve, plot_reliability

VOID = {"meta", "img", "br", "link", "input", "hr"}
HOSTILE = '<script>alert("x")</script>'


def jpeg():
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "green").save(out, "JPEG")
    return out.getvalue()


def figures_of(classes, accuracy=0.8, n=200, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, len(classes), n)
    best = np.where(rng.random(n) < accuracy, truth, rng.integers(0, len(classes), n))
    probabilities = np.full((n, len(classes)), 0.2 / len(classes)) + 0.8 * np.eye(len(classes))[best]
    answers = Answers(probabilities, probabilities > 0.3, rng.random(n) < 0.9, np.arange(n) // 2, 0.9)
    return measure_evaluation(classes, truth, answers, how="test pictures")


def card_of(classes):
    return {
        "classes": dict.fromkeys(classes, 20), "pictures": 20 * len(classes), "groups": 30, "commercial_use": True,
        "decides": {"shrinkage": 0.1, "priors": "taught", "coverage": 0.9, "too_few_to_promise": list(classes)[:1],
                    "least_left_out_pictures": 9},
        "backbone": {"id": "lite0:fp32", "source": "a package", "published": "top-1 75.1 %"},
        "licenses": {"foveal": "Apache-2.0"}, "hashes": {"memory": "ab" * 32, "weights": ""}, "limits": ["Daylight only."],
    }  # fmt: skip


def report_of(classes=("apple", "pear"), figures=None, **changes):
    points = ((5.0, 0.5), (10.0, 0.65), (20.0, 0.75))
    shown = Shown(jpeg(), f"{HOSTILE}.jpg", classes[0], classes[1], 0.9, answered=False)
    bare = Shown(b"", "b.jpg", classes[1], classes[0], 0.8, answered=True)
    values = {
        "name": "Fruit", "made": "Made today.", "card": card_of(classes), "figures": figures or figures_of(classes),
        "estimate": None,
        "learning": Learning(points, fit_learning_curve(points), 22.0, 20, (0.05, 0.02, 0.08), {classes[0]: (0.1, 0.02, 0.2)}),
        "pairs": (ConfusedPair(classes[0], classes[1], 7, (shown,)),), "mistakes": (shown, bare), "unsure": (shown,),
        "findings": (Finding("x", "error", ("/home/someone/photos/a 1.jpg",), f"{HOSTILE} is torn.", "Mend it."),),
        "repeat": "foveal evaluate --report report.html",
    }  # fmt: skip
    return ReportData(**{**values, **changes})


class Page(HTMLParser):
    """Collects what the checks need, and whether tags close as they open."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.crossed, self.text = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.crossed.append(tag)

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def text():
    return render_report(report_of(("apple", f"{HOSTILE} & pear")))


def reaches_out(text):
    return re.findall(r"""(?:src|href)="(?!data:|\#)[^"]*|url\([^)]*|@import|<script|https?://""", text)


def test_nothing_is_fetched_and_nothing_runs(text):
    assert reaches_out(text) == []
    for fault in ('<img src="a.png">', '<link href="//cdn.example/x.css">', "<style>@import 'x'</style>", HOSTILE):
        assert reaches_out(text + fault)


def test_hostile_names_are_shown_as_text(text):
    assert HOSTILE in Page(text).text
    assert HOSTILE not in text


def test_the_page_is_well_formed(text):
    page = Page(text)
    assert (page.open, page.crossed) == ([], [])
    assert Page(text.replace("</main>", "", 1)).crossed
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in page.all("a")} <= set(ids)


def test_it_can_be_used_without_seeing(text):
    page = Page(text)
    assert page.all("html")[0]["lang"] == "en"
    assert page.all("main")
    assert page.all("nav")
    assert all(image.get("alt") for image in page.all("img"))
    assert all("scope" in header for header in page.all("th"))
    assert all(plot.get("aria-hidden") == "true" or plot.get("aria-label") for plot in page.all("svg"))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def luminance(color):
    color = color if len(color) == 7 else "#" + "".join(c * 2 for c in color[1:])
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, two):
    """Source: WCAG 2.2, contrast ratio."""
    bright, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_words_stand_out_in_light_and_dark(text):
    palettes = [dict(re.findall(r"--(\w+):(#[0-9a-f]{3,6})", block)) for block in re.findall(r":root \{([^}]*)", text)]
    assert len(palettes) == 2
    for colors in palettes:
        for ink in ("ink", "soft", "main", "bad", "mid"):
            assert min(contrast(colors[ink], colors[ground]) for ground in ("ground", "card")) >= 4.5, ink
    assert contrast("#b7791f", "#ffffff") < 4.5  # a likely choice of orange that would fail


def test_figures_are_the_measured_ones():
    figures = figures_of(("apple", "pear"))
    page = Page(render_report(report_of(figures=figures)))
    low, high = figures.accuracy_interval
    assert say_headline(figures) in page.text
    assert say_headline(figures) == (
        f"Of 100 new pictures, about {100 * figures.accuracy:.0f} will be recognized ({100 * low:.0f} to {100 * high:.0f})."
    )
    for row in figures.classes:
        assert f"{100 * row.recall:.1f}\u202f%" in page.text
    assert str(int(figures.confusion[0, 1])) in page.text


def test_a_broken_promise_and_harder_tests_are_said():
    figures = figures_of(("apple", "pear"), accuracy=0.5)
    text = Page(render_report(report_of(figures=figures, estimate=figures_of(("apple", "pear"), 0.95)))).text
    assert "This one lies below" in text
    assert "the test pictures are harder" in text
    kept = Page(render_report(report_of(figures=figures, estimate=figures))).text
    assert "which agrees" in kept


def test_paths_of_this_machine_stay_out(text):
    assert "a 1.jpg" in text
    assert "/home/someone" not in text


def test_tags_many_classes_and_nothing_to_show():
    classes = tuple(f"class {k}" for k in range(120))
    learning = Learning((), None, 20.0, 20, None, {})
    bare = report_of(classes, learning=learning, pairs=(), mistakes=(), unsure=(), findings=())
    page = Page(render_report(bare))
    assert (page.open, page.crossed, "Nothing to mend" in page.text) == ([], [], True)
    assert "What it takes for what" not in page.text
    assert "cannot be told" in page.text
    truth = np.random.default_rng(0).random((50, 2)) < 0.5
    answers = Answers(np.where(truth, 0.8, 0.3), truth, np.ones(50, bool), np.arange(50), 0.9)
    tags = render_report(report_of(figures=measure_tags(("apple", "pear"), truth, answers, how="x"), findings=None))
    assert "yes-or-no decisions" in tags
    assert "mean average precision" in tags


def test_a_class_that_was_not_judged_gets_no_figures():
    answers = Answers(np.eye(3)[[0, 1]], np.eye(3, dtype=bool)[[0, 1]], np.ones(2, bool), np.arange(2), 0.9)
    figures = measure_evaluation(("apple", "pear", "plum"), np.array([0, 1]), answers, how="x")
    text = Page(render_report(report_of(("apple", "pear", "plum"), figures=figures))).text
    assert text.count("cannot be estimated") == 1


def test_plots_put_points_where_they_belong():
    figures = figures_of(("apple", "pear"))
    assert plot_reliability(figures.bins).count("<circle") == len(figures.bins)
    assert plot_learning_curve((), None, 40) == ""
    points = ((5.0, 0.5), (10.0, 0.65), (20.0, 0.75))
    plot = plot_learning_curve(points, fit_learning_curve(points), 42)
    heights = [float(y) for y in re.findall(r'cy="([\d.]+)"', plot)]
    assert heights == sorted(heights, reverse=True)
    assert "curve ahead" in plot
    low, high = (
        float(re.search(r'circle class="dot" cx="([\d.]+)', draw_interval(v, (0.1, 0.9))).group(1)) for v in (0.2, 0.8)
    )
    assert low < 48 < high


def test_a_hundred_squares_add_up():
    drawn = draw_hundred(0.814, (0.79, 0.83))
    counts = [drawn.count(f'class="{style}"') for style in ("sure", "likely", "perhaps", "wrong")]
    assert counts == [79, 2, 2, 17]
