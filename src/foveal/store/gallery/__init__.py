"""Galleries on the disk: SQLite keeps the truth, arrays and an approximate index are made from it."""
