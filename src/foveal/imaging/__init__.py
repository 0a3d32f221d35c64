"""Bytes become upright sRGB pixels, and pixels become pictures for people."""
