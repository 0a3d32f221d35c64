"""Codes and moments: exact integer memory."""
