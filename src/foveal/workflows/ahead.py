"""Work on many things side by side, in order, with flat memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
AHEAD = 16  # things in flight per thread: enough to smooth uneven ones, few enough to stay flat


def map_ahead(function: Callable[[T], R], things: Iterable[T], threads: int) -> Iterator[R]:
    """Yield `function` of each thing, in order, at most AHEAD per thread begun before they are asked for.

    >>> list(map_ahead(str, range(5), 2))
    ['0', '1', '2', '3', '4']
    """
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for thing in things:
            waiting.append(pool.submit(function, thing))
            if len(waiting) >= AHEAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
