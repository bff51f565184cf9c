"""Comparison and rows -> CSV, JSON lines, manifest, HTML page and terminal summary."""
