"""Clients' connections: how much each may use, and which is closed when all places are taken."""
