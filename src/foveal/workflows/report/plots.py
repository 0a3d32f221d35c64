"""Small plots as SVG text, for the report; colors come from the page's style sheet."""

from collections.abc import Iterable, Sequence
from html import escape

from foveal.audits.learning_curve import Curve
from foveal.metrics.calibration import ReliabilityBin
from foveal.metrics.change_point import Change
from foveal.metrics.intervals import Interval

WIDTH, HEIGHT = 340, 240
LEFT, RIGHT, TOP, BOTTOM = 58, 22, 12, 46  # margins in pixels
STRIP = 96  # pixels, width of a small plot in a table

Ticks = Sequence[tuple[float, str]]  # place from 0 to 1, and its text


def plot_reliability(bins: Sequence[ReliabilityBin]) -> str:
    """Share right against probability, a dot per bin, larger for more pictures."""
    most = max((b.n for b in bins), default=1)
    dots = "".join(
        _dot(
            b.probability,
            b.right,
            3 + 6 * (b.n / most) ** 0.5,
            f"{b.n} answers: said {b.probability:.0%}, right {b.right:.0%}",
        )
        for b in bins
    )
    ideal = f'<line class="ideal" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>'
    ticks = [(share, f"{share:.0%}") for share in (0, 0.5, 1)]
    told = "; ".join(f"said {b.probability:.0%}, right {b.right:.0%}" for b in bins)
    return _frame(ideal + dots, ticks, ticks, ("probability said", "share right"), f"Reliability diagram: {told}")


def plot_selective(points: Sequence[tuple[float, float]], answered: float) -> str:
    """Share right against share answered; the dashed line is the share that is answered now."""
    low = _floor(accuracy for _, accuracy in points)

    def height(accuracy: float) -> float:
        return (accuracy - low) / (1.0 - low)

    path = " ".join(f"{_x(share):.1f},{_y(height(accuracy)):.1f}" for share, accuracy in points)
    now = f'<line class="ideal" x1="{_x(answered):.1f}" y1="{_y(0)}" x2="{_x(answered):.1f}" y2="{_y(1)}"><title>answered now: {answered:.0%}</title></line>'
    across = [(share, f"{share:.0%}") for share in (0, 0.5, 1)]
    up = [(share, f"{low + share * (1 - low):.0%}") for share in (0, 0.5, 1)]
    title = f"When all are answered {points[-1][1]:.0%} are right, when the surest half is, {_at_half(points):.0%}"
    return _frame(
        f'{now}<polyline class="curve" points="{path}"/>', across, up, ("share answered", "share right"), title
    )


def plot_learning_curve(points: Sequence[tuple[float, float]], curve: Curve | None, last: float) -> str:
    """Accuracy against pictures a class, with the fitted curve and, dashed, its projection to `last` of them.

    Nothing without points.
    """
    if not points:
        return ""
    now, last = points[-1][0], max(last, points[-1][0])
    low = _floor(accuracy for _, accuracy in points)

    def place(n: float, accuracy: float) -> tuple[float, float]:
        return n / last, (max(low, accuracy) - low) / (1.0 - low)

    dots = "".join(_dot(*place(*point), 5, f"{point[0]:.0f} a class: {point[1]:.1%}") for point in points)
    line = ""
    if curve is not None:
        for style, begin, end in (("curve", points[0][0], now), ("curve ahead", now, last)):
            steps = [place(n, curve.accuracy(n)) for n in (begin + (end - begin) * k / 30 for k in range(31))]
            line += f'<polyline class="{style}" points="{" ".join(f"{_x(a):.1f},{_y(b):.1f}" for a, b in steps)}"/>'
    across = [(0.0, "0"), (1.0, f"{last:.0f}")]
    if now / last < 0.85:
        across.insert(1, (now / last, f"{now:.0f}"))
    up = [(share, f"{low + share * (1 - low):.0%}") for share in (0, 0.5, 1)]
    told = ", ".join(f"{accuracy:.0%} with {n:.0f} pictures a class" for n, accuracy in points)
    return _frame(line + dots, across, up, ("pictures a class", "accuracy"), f"Learning curve: {told}")


def plot_trend(scores: Sequence[float], change: Change | None) -> str:
    """Scores in order, the median before and after a change, and a dashed line where it happened."""
    low, high = min(scores), max(scores)
    spread = max(high - low, 1e-9)
    n = max(1, len(scores) - 1)
    dots = "".join(
        f'<circle class="dot" cx="{_x(k / n):.1f}" cy="{_y((score - low) / spread):.1f}" r="1.6"/>'
        for k, score in enumerate(scores)
    )
    lines, told = "", "steady"
    if change is not None:
        told = f"changed from {change.before:.2f} to {change.after:.2f}"
        for begin, end, level in ((0, change.place, change.before), (change.place, n, change.after)):
            y = f"{_y((level - low) / spread):.1f}"
            lines += f'<polyline class="curve" points="{_x(begin / n):.1f},{y} {_x(end / n):.1f},{y}"/>'
        at = f"{_x(change.place / n):.1f}"
        lines += f'<line class="ideal" x1="{at}" x2="{at}" y1="{_y(0)}" y2="{_y(1)}"/>'
    across = [(0.0, "oldest"), (1.0, "newest")]
    up = [(share, f"{low + share * spread:.1f}") for share in (0, 0.5, 1)]
    return _frame(dots + lines, across, up, (f"{len(scores)} pictures", "score"), f"Scores over time: {told}")


def plot_scores(good: Sequence[float], bad: Sequence[float], threshold: float) -> str:
    """Share of good and of defective pictures that score above, against the score; dashed at the threshold."""
    every = sorted([*good, *bad, threshold])
    low, high = every[0], every[-1]
    spread = max(high - low, 1e-9)

    def steps(scores: Sequence[float]) -> str:
        points = [(k / 120, sum(s > low + spread * k / 120 for s in scores) / len(scores)) for k in range(121)]
        return " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)

    lines = f'<polyline class="curve" points="{steps(bad)}"/>' if bad else ""
    lines += f'<polyline class="curve soft-curve" points="{steps(good)}"/>' if good else ""
    at = f"{_x((threshold - low) / spread):.1f}"
    lines += f'<line class="ideal" x1="{at}" x2="{at}" y1="{_y(0)}" y2="{_y(1)}"><title>threshold {threshold:.2f}</title></line>'
    across = [(0.0, f"{low:.1f}"), (0.5, f"{low + spread / 2:.1f}"), (1.0, f"{high:.1f}")]
    up = [(share, f"{share:.0%}") for share in (0, 0.5, 1)]
    return _frame(lines, across, up, ("score", "share above"), "Share of good and defective pictures above each score")


def draw_interval(value: float, interval: Interval, *, mark: float | None = None, is_bad: bool = False) -> str:
    """A strip from 0 to 1: a dot at the value, a bar over the interval, a tick at `mark`."""

    def at(share: float) -> float:
        return 4 + share * (STRIP - 8)

    low, high = interval
    tick = "" if mark is None else f'<line class="mark" x1="{at(mark):.1f}" x2="{at(mark):.1f}" y1="1" y2="15"/>'
    return (
        f'<svg class="strip{" bad" if is_bad else ""}" viewBox="0 0 {STRIP} 16" width="{STRIP}" height="16" aria-hidden="true">'
        f'<line class="rail" x1="4" x2="{STRIP - 4}" y1="8" y2="8"/>'
        f'<line class="range" x1="{at(low):.1f}" x2="{at(high):.1f}" y1="8" y2="8"/>{tick}'
        f'<circle class="dot" cx="{at(value):.1f}" cy="8" r="4"/></svg>'
    )


def draw_hundred(right: float, interval: Interval) -> str:
    """A hundred squares: surely right, perhaps right, and wrong."""
    low, middle, high = round(100 * interval[0]), round(100 * right), round(100 * interval[1])
    squares = []
    for k in range(100):
        style = "sure" if k < low else "likely" if k < middle else "perhaps" if k < high else "wrong"
        squares.append(
            f'<rect class="{style}" x="{14 * (k % 20)}" y="{14 * (k // 20)}" width="11" height="11" rx="2.5"/>'
        )
    return f'<svg class="hundred" viewBox="0 0 277 67" aria-hidden="true">{"".join(squares)}</svg>'


def _floor(accuracies: Iterable[float]) -> float:
    """Where a plot of these accuracies begins: a tenth below the lowest, at most 0.9."""
    lowest = min(accuracies)
    return max(0.0, min(0.9, int(lowest * 10 - 0.5) / 10))


def _at_half(points: Sequence[tuple[float, float]]) -> float:
    return min(points, key=lambda point: abs(point[0] - 0.5))[1]


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _dot(across: float, up: float, radius: float, title: str) -> str:
    return f'<circle class="dot" cx="{_x(across):.1f}" cy="{_y(up):.1f}" r="{radius:.1f}"><title>{escape(title)}</title></circle>'


def _frame(inside: str, across: Ticks, up: Ticks, names: tuple[str, str], title: str) -> str:
    grid = "".join(f'<line class="grid" x1="{_x(0)}" x2="{_x(1)}" y1="{_y(s):.1f}" y2="{_y(s):.1f}"/>' for s, _ in up)
    grid += f'<line class="axis" x1="{_x(0)}" x2="{_x(1)}" y1="{_y(0)}" y2="{_y(0)}"/>'
    words = "".join(f'<text x="{_x(s):.0f}" y="{HEIGHT - 28}" text-anchor="middle">{t}</text>' for s, t in across)
    words += "".join(f'<text x="{LEFT - 8}" y="{_y(s) + 4:.0f}" text-anchor="end">{t}</text>' for s, t in up)
    words += f'<text class="name" x="{_x(0.5):.0f}" y="{HEIGHT - 8}" text-anchor="middle">{names[0]}</text>'
    middle = f"{_y(0.5):.0f}"
    words += f'<text class="name" transform="rotate(-90 13 {middle})" x="13" y="{middle}" text-anchor="middle">{names[1]}</text>'
    return f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">{grid}{inside}{words}</svg>'
