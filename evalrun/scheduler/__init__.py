"""Requests -> Outcomes, when quota allows."""
