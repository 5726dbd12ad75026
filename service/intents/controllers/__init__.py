"""Leads over HTTP: left by browsers, read and cleaned up by who operates the shop."""

from service.intents.controllers.cleaning import IntentCleanup
from service.intents.controllers.leaving import Intents
from service.intents.controllers.reading import IntentQueries

__all__ = ["IntentCleanup", "IntentQueries", "Intents"]
