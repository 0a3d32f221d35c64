"""The report: one page that says how good a recognizer is."""
