"""Measurements, each with its command: `python -m bench`, see README.md. Nothing here is a test."""
