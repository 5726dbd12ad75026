"""Figures over HTTP: each handler translates, and calls one operation."""

from service.analytics.controllers.back import FiguresBack
from service.analytics.controllers.now import FiguresNow

ROUTES = (FiguresNow, FiguresBack)
"""All routes of figures."""
