"""The HTTP API, version 1: one file for each thing that programs ask for."""
