"""Figures over HTTP: each handler translates, and calls one operation."""

from service.analytics.controllers.back import FiguresBack
from service.analytics.controllers.beyond import FiguresBeyond
from service.analytics.controllers.exports import FiguresExports
from service.analytics.controllers.legacy import FiguresLegacy
from service.analytics.controllers.now import FiguresNow
from service.analytics.controllers.tracking import TrackedEvents

ROUTES = (
    FiguresNow,
    FiguresBack,
    FiguresBeyond,
    FiguresLegacy,
    FiguresExports,
    TrackedEvents,
)
"""All routes of figures."""
