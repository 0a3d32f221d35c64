"""The level of shrinkage with the least left-out loss."""

from collections.abc import Callable

# Levels g of shrinkage; the loss falls and then rises along them.
LEVELS = (0.003, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
START = 0.1


def search_levels(measure_loss: Callable[[float], float]) -> float:
    """Walk from START to the neighboring level of less loss until there is none.

    A loss that is not a number is never less: then START is returned.

    >>> search_levels(lambda level: abs(level - 0.4))
    0.35
    """
    losses: dict[int, float] = {}

    def loss(place: int) -> float:
        if place not in losses:
            losses[place] = measure_loss(LEVELS[place]) if 0 <= place < len(LEVELS) else float("inf")
        return losses[place]

    place = LEVELS.index(START)
    for step in (-1, 1):
        while loss(place + step) < loss(place):
            place += step
    return LEVELS[place]
