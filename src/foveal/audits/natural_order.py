"""File order as people and cameras count: img2 before img10."""

import re

_DIGITS = re.compile(r"(\d+)")


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key of a name, digits compared as numbers.

    >>> sorted(["img10.jpg", "img2.jpg"], key=natural_key)
    ['img2.jpg', 'img10.jpg']
    """
    parts = _DIGITS.split(name.casefold())
    return tuple((1, int(part), part) if part.isdecimal() else (0, 0, part) for part in parts)
