"""Keeps the airports."""
