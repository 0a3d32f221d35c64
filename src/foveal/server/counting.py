"""Figures for Prometheus: what was asked, how it ended, how long it took, and how the children do."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import final

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds


@final
class Counters:
    """Counts requests. Use from the event loop."""

    def __init__(self) -> None:
        self.active = 0
        self.bytes_in_flight = 0
        self.gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._seconds: dict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
        self._sums: dict[str, float] = defaultdict(float)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that has ended."""
        self._requests[method, route, status] += 1
        self._seconds[route][bisect_left(BUCKETS, seconds)] += 1
        self._sums[route] += seconds

    def expose(self) -> str:
        """Everything in Prometheus's text format, version 0.0.4.

        >>> counters = Counters()
        >>> counters.count("GET", "/healthz", 200, 0.001)
        >>> [line for line in counters.expose().splitlines() if line.startswith("foveal_requests_total")]
        ['foveal_requests_total{method="GET",route="/healthz",status="200"} 1']
        """
        lines = ["# HELP foveal_requests_total Requests answered.", "# TYPE foveal_requests_total counter"]
        for (method, route, status), n in sorted(self._requests.items()):
            lines.append(f'foveal_requests_total{{method="{method}",route="{route}",status="{status}"}} {n}')
        lines += ["# HELP foveal_request_seconds Time to answer.", "# TYPE foveal_request_seconds histogram"]
        for route, counts in sorted(self._seconds.items()):
            total = 0
            for bound, n in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
                total += n
                lines.append(f'foveal_request_seconds_bucket{{route="{route}",le="{bound}"}} {total}')
            lines.append(f'foveal_request_seconds_sum{{route="{route}"}} {self._sums[route]:.6f}')
            lines.append(f'foveal_request_seconds_count{{route="{route}"}} {total}')
        own = {"foveal_requests_active": ("Requests being answered.", lambda: self.active),
               "foveal_upload_bytes_in_flight": ("Bytes of uploads in memory.", lambda: self.bytes_in_flight)}  # fmt: skip
        for name, (text, read) in (own | self.gauges).items():
            lines += [f"# HELP {name} {text}", f"# TYPE {name} gauge", f"{name} {read():g}"]
        return "\n".join(lines) + "\n"
