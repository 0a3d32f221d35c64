"""Small plots as SVG text, for the report."""

from collections.abc import Sequence

from foveal.audits.learning_curve import Curve
from foveal.metrics.calibration import ReliabilityBin

WIDTH, HEIGHT = 320, 220
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 34  # margins in pixels


def plot_reliability(bins: Sequence[ReliabilityBin]) -> str:
    """Share right against probability, a dot per bin, larger for more pictures."""
    most = max((b.n for b in bins), default=1)
    dots = "".join(
        f'<circle class="dot" cx="{_x(b.probability):.1f}" cy="{_y(b.right):.1f}" r="{3 + 7 * (b.n / most) ** 0.5:.1f}">'
        f"<title>{b.n} answers: said {b.probability:.0%}, right {b.right:.0%}</title></circle>"
        for b in bins
    )
    ideal = f'<line class="ideal" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>'
    ticks = [(share, f"{share:.0%}") for share in (0, 0.5, 1)]
    return _frame(ideal + dots, ticks, ticks, "probability said", "share right", "Reliability diagram")


def plot_learning_curve(points: Sequence[tuple[float, float]], curve: Curve | None, more: int) -> str:
    """Accuracy against pictures a class, with the fitted curve and its projection."""
    if not points:
        return ""
    last = points[-1][0] + more
    low = min(0.9, min(accuracy for _, accuracy in points) - 0.05)

    def place(n: float, accuracy: float) -> tuple[float, float]:
        return _x(n / last), _y((accuracy - low) / (1.0 - low))

    dots = "".join(
        f'<circle class="dot" cx="{place(*p)[0]:.1f}" cy="{place(*p)[1]:.1f}" r="5"><title>{p[0]:.0f} a class: {p[1]:.1%}</title></circle>'
        for p in points
    )
    line = ""
    if curve is not None:
        steps = [points[0][0] + (last - points[0][0]) * k / 40 for k in range(41)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(n, max(low, curve.accuracy(n))) for n in steps))
        line = f'<polyline class="curve" points="{path}"/>'
    across = [(0.0, "0"), (1.0, f"{last:.0f}")]
    if points[-1][0] / last < 0.85:
        across.insert(1, (points[-1][0] / last, f"{points[-1][0]:.0f}"))
    up = [(0.0, f"{low:.0%}"), (1.0, "100%")]
    return _frame(line + dots, across, up, "pictures a class", "accuracy", "Learning curve")


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _frame(
    inside: str,
    across: Sequence[tuple[float, str]],
    up: Sequence[tuple[float, str]],
    x_name: str,
    y_name: str,
    title: str,
) -> str:
    axes = f'<path class="axis" fill="none" d="M{_x(0)} {_y(1)}V{_y(0)}H{_x(1)}"/>'
    words = "".join(f'<text x="{_x(s):.0f}" y="{HEIGHT - 18}" text-anchor="middle">{t}</text>' for s, t in across)
    words += "".join(f'<text x="{LEFT - 6}" y="{_y(s) + 4:.0f}" text-anchor="end">{t}</text>' for s, t in up)
    words += f'<text x="{_x(0.5):.0f}" y="{HEIGHT - 3}" text-anchor="middle">{x_name}</text>'
    words += (
        f'<text transform="rotate(-90 11 {_y(0.5):.0f})" x="11" y="{_y(0.5):.0f}" text-anchor="middle">{y_name}</text>'
    )
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="100%" style="max-width:{WIDTH + 60}px"'
    return f'<svg {size} role="img" aria-label="{title}">{axes}{inside}{words}</svg>'
