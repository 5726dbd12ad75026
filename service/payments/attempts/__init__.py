"""Tries at paying: one row for every one that failed."""
