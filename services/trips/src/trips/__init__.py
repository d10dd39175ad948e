"""Keeps the trips between airports."""
