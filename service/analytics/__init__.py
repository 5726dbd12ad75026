"""Figures: what was paid, refunded, lost and tried, added up by the quarter-hour and shown."""
