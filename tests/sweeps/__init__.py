"""Lists that are swept by what was changed."""
