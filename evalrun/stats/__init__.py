"""Scores -> intervals, paired tests, gates, conclusions. Pure: rows go in, numbers and sentences come out."""
