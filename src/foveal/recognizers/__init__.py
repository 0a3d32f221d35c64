"""Closed-form read-outs of memory."""
