"""The stored session: its parts, the document, and the raw row that reads are served from."""

from service.sessions.documents.parts import (
    Capturing,
    Checkout,
    CheckoutEnd,
    Decided,
    HistoryEntry,
    Opening,
    Review,
)
from service.sessions.documents.rows import DueSession, SessionRow
from service.sessions.documents.session import TRUSTED, Kind, PricedBy, Session

__all__ = [
    "TRUSTED",
    "Capturing",
    "Checkout",
    "CheckoutEnd",
    "Decided",
    "DueSession",
    "HistoryEntry",
    "Kind",
    "Opening",
    "PricedBy",
    "Review",
    "Session",
    "SessionRow",
]
