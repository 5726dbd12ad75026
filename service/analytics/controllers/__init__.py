"""Figures over HTTP: each handler translates, and calls one operation."""

from service.analytics.controllers.now import FiguresNow

ROUTES = (FiguresNow,)
"""All routes of figures."""
