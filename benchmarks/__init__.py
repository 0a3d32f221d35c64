"""Measurements, each run with python -m benchmarks.NAME; results stand in RESULTS.md."""
