"""Connections of strangers: how much each may take, and who goes when all places are taken."""
