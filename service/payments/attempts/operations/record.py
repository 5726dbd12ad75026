"""Write what an event reports of a try that failed into its one row."""

from datetime import datetime

import msgspec

from service.payments.attempts import repository
from service.payments.attempts.documents import Attempt
from service.payments.payments.operations.merging import changes_said
from service.payments.payments.operations.reported import ReportedPayment
from service.payments.payments.states import as_number, standing
from service.providers.facts import Details
from service.storage.database import Row
from service.storage.transaction import Transaction

_NOTHING = Details()


def attempt_id_of(payment_id: str, details: Details | None, number: int | None = None) -> str:
    """Return the id of the try that a failure is about.

    Where the provider names none, the payment's own with the `number` of the try, or else with what
    was tried: two tries of one payment by one method that never became a charge are one row then.
    """
    details = details or _NOTHING
    if details.charge_id is not None:
        return details.charge_id
    if number is not None:
        return f"{payment_id}:{number}"
    return f"{payment_id}:{details.method_id}" if details.method_id else payment_id


async def record_attempt(
    tx: Transaction, failed: ReportedPayment, attempt_id: str, now: datetime
) -> bool:
    """Merge what was reported of a payment that failed into its row; return whether it changed.

    The result does not depend on the order of the calls. A try is of the first session that was
    meant.
    """
    known = await repository.find(failed.provider, failed.account, attempt_id, tx)
    said, place = _said(failed), as_number(standing(failed.status, failed.occurred_at))
    if known is None:
        await repository.insert(_new(failed, attempt_id, said, place, now), tx)
        return True
    changes = changes_said(known, said, place)
    if known.session_id is None and failed.session_id is not None:
        changes |= known.differing(_of_session(failed))
    if changes:
        await repository.change(known, changes | {"updatedAt": now}, tx)
    return bool(changes)


def _new(failed: ReportedPayment, attempt_id: str, said: Row, place: int, now: datetime) -> Row:
    given: Row = {
        "provider": failed.provider,
        "account": failed.account,
        "live": failed.live,
        "attemptId": attempt_id,
        "providerPaymentId": failed.provider_payment_id,
        "createdAt": now,
        "updatedAt": now,
        "places": {name: place for name, value in said.items() if value is not None},
    }
    return Attempt.new_row(given | said | _of_session(failed))


def _of_session(failed: ReportedPayment) -> Row:
    return {
        "merchantId": failed.merchant_id,
        "sessionId": failed.session_id,
        "userId": failed.user_id,
    }


def _said(failed: ReportedPayment) -> Row:
    """Return what a failure says of its try, by the stored names."""
    details = failed.details or _NOTHING
    method: Row = msgspec.to_builtins(details.method_details) if details.method_details else {}
    return {
        "amount": failed.amount,
        "currency": failed.currency,
        "failureCode": failed.failure_code,
        "declineCode": failed.decline_code,
        "failureMessage": failed.failure_message,
        "failureDetails": failed.failure_details,
        "method": failed.payment_method,
        "methodId": details.method_id,
        "methodDetails": method or None,
        "country": details.country,
        "madeAt": details.made_at or failed.occurred_at,
        "eventId": failed.event_id,
    }
