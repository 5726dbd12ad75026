"""Rows of the two older stacks."""

from datetime import UTC, datetime
from typing import Any

from service.core.principal import Kind, Principal
from service.imports.mapping import ImportRules
from service.parts import lifetimes_of
from service.sessions.states import Lifetimes
from tests.conftest import NOON
from tests.support.settings import make_settings

BY = Principal(Kind.ADMIN, "default", "cli", "cli:somebody")
LIFETIMES: Lifetimes = lifetimes_of(make_settings().sessions)


def rules(**changes: Any) -> ImportRules:
    """Read as rupees in whole units, at noon."""
    given: dict[str, Any] = {
        "merchant_id": "default",
        "currency": "INR",
        "unit": "major",
        "source": "PaymentSessions",
        "lifetimes": LIFETIMES,
        "now": NOON,
    }
    return ImportRules(**given | changes)


def payment_row(**changes: Any) -> dict[str, Any]:
    """A document of the MongoDB stack."""
    row: dict[str, Any] = {
        "_id": "65f0",
        "__v": 0,
        "sessionId": "TICKET_1234567890_ABC123",
        "userId": "user_123",
        "eventId": "event_456",
        "amount": 1000,
        "quantity": 2,
        "passId": "vip",
        "selectedDate": "2026-12-24",
        "couponCode": "EARLY",
        "waitingListId": "wait_1",
        "paymentMethod": "phonepe",
        "status": "completed",
        "createdAt": datetime(2026, 5, 1, 10, 0, tzinfo=UTC),
        "expiresAt": datetime(2026, 5, 1, 10, 30, tzinfo=UTC),
        "updatedAt": datetime(2026, 5, 1, 10, 5, tzinfo=UTC),
        "metadata": {"orderId": "phonepe_order_123"},
    }
    return row | changes


def checkout_row(**changes: Any) -> dict[str, Any]:
    """A row of the SQL stack, as an export of it looks in MongoDB."""
    row: dict[str, Any] = {
        "id": "5f9c1e9a-6f0f-4b1e-9f0e-0c2a3e8d7b61",
        "user_id": "3d1c0d2e-0000-4000-8000-000000000001",
        "email": "ada@example.com",
        "subscription_plan": "premium",
        "plan_price": "29.99",
        "payment_provider": "stripe",
        "stripe_session_id": "cs_live_old",
        "status": "pending",
        "created_at": "2026-11-21T08:00:00+00:00",
        "expires_at": "2026-11-22T08:00:00+00:00",
        "completed_at": None,
        "attempts": 1,
        "metadata": '{"userId": "3d1c"}',
    }
    return row | changes
