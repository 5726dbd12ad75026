"""Figures: added up behind the ledger, and equal to one pass over it."""
