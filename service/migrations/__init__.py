"""Bring a database of an older version to this version's layout: numbered steps, each run once."""
