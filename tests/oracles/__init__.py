"""Slow, obvious versions written from the definitions."""
