"""Send a provider's event for a session, several times if wanted, and print the answers."""

from msgspec.structs import replace

from service.cli.screen import say, show, show_table
from service.core.clock import SystemClock
from service.core.errors import Conflict
from service.providers.money import to_major
from service.providers.registry import ProviderName
from tillgate_sandbox.events.build import signed_event
from tillgate_sandbox.events.sale import Outcome
from tillgate_sandbox.sending.server import Server, sale_of


class DeliveryRefused(Conflict):
    """The server did not take the event."""

    code = "delivery_refused"


def send_event(
    provider: ProviderName,
    session_id: str,
    outcome: Outcome,
    server: Server,
    *,
    times: int,
    amount: int | None,
) -> None:
    """Build, sign and post; print each answer and the session after.

    Raises `DeliveryRefused` where the server answered anything but 200.
    """
    session = server.read_session(session_id)
    sale = sale_of(session, provider, SystemClock().now())
    if amount is not None:
        sale = replace(sale, amount=amount)
    event = signed_event(provider, sale, outcome, server.settings)
    price = f"{to_major(sale.amount, provider, sale.currency)} {sale.currency}"
    say(f"{event.type} ({event.event_id}) of {price}, signed as {provider} signs")
    answers = [server.deliver(provider, event) for _ in range(times)]
    rows = [
        (place, answer.status, answer.outcome, _yes_no(answer.duplicate))
        for place, answer in enumerate(answers, start=1)
    ]
    show_table(("delivery", "status", "outcome", "duplicate"), rows, empty="")
    after = server.read_session(session_id)
    show(_described(after))
    if any(answer.duplicate is None for answer in answers):
        raise DeliveryRefused(
            "The server did not take the event. If the signature is wrong, the server runs with "
            "other secrets than this command reads: name its directory with --data-dir."
        )


def explain_upi(session_id: str, address: str) -> None:
    """Explain how a UPI session is completed: no event comes, a secret key reports the money."""
    say(
        "UPI has no webhook. When the money is in your account, a secret key completes the session:"
    )
    show(
        f"curl -X PUT {address}/api/payment-sessions "
        '-H "Authorization: Bearer $API_SECRET_KEYS" '
        "-H 'Content-Type: application/json' "
        f'-d \'{{"sessionId": "{session_id}", "status": "completed", '
        '"providerPaymentId": "the UTR of the bank", "reason": "seen on the statement"}\''
    )


def _described(session: dict[str, object]) -> str:
    review = session.get("review")
    late = ", late" if session.get("late") else ""
    reason = f", in review: {review['reason']}" if isinstance(review, dict) else ""
    return f"session {session['sessionId']} is {session['status']}{late}{reason}"


def _yes_no(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"
