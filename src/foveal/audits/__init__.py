"""Checks of data and of promises."""
