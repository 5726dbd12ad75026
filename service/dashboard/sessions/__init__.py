"""The pages that show what touched a session."""
