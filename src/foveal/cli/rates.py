"""Shares as people write them."""

import argparse


def parse_rate(text: str) -> float:
    """A share written as "1%" or "0.01".

    Raises ArgumentTypeError for anything else, and outside 0 to 1.

    >>> parse_rate("1%"), parse_rate("0.05")
    (0.01, 0.05)
    """
    try:
        rate = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        rate = -1.0
    if not 0.0 < rate < 1.0:
        raise argparse.ArgumentTypeError(f"expected a share such as 1% or 0.01, got {text!r}")
    return rate
