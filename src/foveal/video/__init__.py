"""Frames of cameras and video files."""
