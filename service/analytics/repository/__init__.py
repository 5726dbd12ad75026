"""Named queries on figures."""
