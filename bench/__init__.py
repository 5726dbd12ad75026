"""Measures the three hot routes: `python -m bench`."""
