"""Inspecting: defects found after seeing only good parts."""
