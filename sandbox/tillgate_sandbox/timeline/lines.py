"""Checkouts and deliveries in words, as lines of a session's timeline. Pure."""

from collections.abc import Iterable, Iterator

from service.extension import Line, OpenedCheckout, as_text, detail_of
from service.providers.money import to_major
from tillgate_sandbox.documents import Attempt, SandboxCheckout, SandboxDelivery
from tillgate_sandbox.pages.words import PROVIDERS, STANDINGS, in_words

_OUTCOMES = {
    "processed": "taken and applied",
    "duplicate": "a copy: the work was done already, nothing changed",
    "ignored": "genuine, and of no use here",
    "parked": "kept until a session matches, or the provider confirms it",
    "review": "it does not fit: a person must look, nothing was completed",
    "failed": "kept; it is applied again later",
    "invalid_signature": "the signature is not genuine",
    "not_found": "nobody takes webhooks at that address",
    "unavailable": "the database could not answer; the provider comes again",
}


def lines_of(
    checkouts: Iterable[SandboxCheckout], deliveries: Iterable[SandboxDelivery]
) -> Iterator[Line]:
    """Return a session's checkouts and deliveries as lines, in no order."""
    for checkout in checkouts:
        yield from _checkout(checkout)
    for delivery in deliveries:
        yield from _delivery(delivery)


def latest_checkout(checkout: SandboxCheckout) -> OpenedCheckout:
    """Return in words how a checkout stands at its provider."""
    standing = STANDINGS[checkout.status]
    return OpenedCheckout(
        session_id=checkout.session_id,
        provider=PROVIDERS[checkout.provider],
        price=_price(checkout),
        state=standing.name,
        tone=standing.tone,
        opened_at=checkout.created_at,
    )


def _checkout(checkout: SandboxCheckout) -> Iterable[Line]:
    yield Line(
        checkout.created_at,
        "checkout",
        f"{PROVIDERS[checkout.provider]} opened a checkout over {_price(checkout)}",
        detail={"checkout": checkout.id, "chaos": as_text(checkout.chaos or "the standing rule")}
        | detail_of(checkout.request),
    )
    for one in checkout.happened:
        text, tone = in_words(one)
        yield Line(one.at, "attempt", text, tone, {"checkout": checkout.id})


def _delivery(delivery: SandboxDelivery) -> Iterable[Line]:
    played = f" ({delivery.note})" if delivery.note else ""
    what = f"{PROVIDERS[delivery.provider]} posted {delivery.type}{played}"
    detail = {"event": delivery.event_id, "to": delivery.path, "delivery": delivery.id}
    for number, attempt in enumerate(delivery.attempts, 1):
        again = f", try {number}" if number > 1 else ""
        text, tone = _answer(attempt)
        took = {} if attempt.latency_ms is None else {"took": f"{attempt.latency_ms:.1f} ms"}
        yield Line(attempt.at, "delivery", f"{what}{again}: {text}", tone, detail | took)
    if delivery.status == "pending":
        due = f"due at {delivery.due_at:%T}"
        waiting = f"{PROVIDERS[delivery.provider]} has {delivery.type} on its way{played}, {due}"
        yield Line(max(delivery.due_at, delivery.created_at), "delivery", waiting, "info", detail)


def _answer(attempt: Attempt) -> tuple[str, str]:
    """Return how a try went: accepted or rejected, and why."""
    if attempt.status is None:
        return attempt.error or "no answer", "warn"
    word = attempt.outcome or "no reason given"
    meaning = _OUTCOMES.get(word)
    said = f"{attempt.status} {word}" + (f", {meaning}" if meaning else "")
    if 200 <= attempt.status < 300:
        return f"accepted, {said}", "warn" if word in {"review", "parked", "failed"} else "good"
    return f"rejected, {said}", "bad"


def _price(checkout: SandboxCheckout) -> str:
    amount = to_major(checkout.amount, checkout.provider, checkout.currency)
    return f"{amount} {checkout.currency}"
