"""Checkouts and deliveries in words, as lines of a session's timeline. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from service.extension import Line, OpenedCheckout, as_text, detail_of
from service.providers.money import to_major
from tillgate_sandbox.chaos import times
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
    yield from _folded(post for delivery in deliveries for post in _posts(delivery))


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


class _Post(Struct, frozen=True):
    """One try at a delivery; without `attempt` it is still on its way."""

    delivery: SandboxDelivery
    number: int
    attempt: Attempt | None

    @property
    def at(self) -> datetime:
        """Return when it was made, or is to be."""
        if self.attempt is not None:
            return self.attempt.at
        return max(self.delivery.due_at, self.delivery.created_at)

    @property
    def likeness(self) -> tuple[object, ...]:
        """Return what copies have in common: which of them it is, and how late, is their own."""
        one, got = self.delivery, self.attempt
        answer = (got.status, got.outcome, got.error) if got is not None else None
        return one.provider, one.event_id, one.type, *one.tamper, _note([one, one]), answer


def _posts(delivery: SandboxDelivery) -> Iterator[_Post]:
    for number, attempt in enumerate(delivery.attempts, 1):
        yield _Post(delivery, number, attempt)
    if delivery.status == "pending":
        yield _Post(delivery, len(delivery.attempts) + 1, None)


def _folded(posts: Iterable[_Post]) -> Iterator[Line]:
    """Return a line for the posts that differ in nothing but when they came: copies, and tries."""
    alike: dict[tuple[object, ...], list[_Post]] = defaultdict(list)
    for one in sorted(posts, key=lambda post: post.at):
        alike[one.likeness].append(one)
    for several in alike.values():
        yield _line(several)


def _line(posts: Sequence[_Post]) -> Line:
    first, last = posts[0], posts[-1]
    one, attempt = first.delivery, first.attempt
    who, note = PROVIDERS[one.provider], _note([post.delivery for post in posts])
    detail = {"event": one.event_id, "to": one.path, "delivery": one.id}
    if len(posts) > 1:
        detail["the last time"] = f"{last.at:%T}"
    often = f" {times(len(posts))}" if len(posts) > 1 else ""
    if attempt is None:
        waiting = f"{who} has {one.type} on its way{often}{note}, due at {first.at:%T}"
        return Line(first.at, "delivery", waiting, "info", detail)
    again = f", try {first.number}" if first.number > 1 and len(posts) == 1 else ""
    text, tone = _answer(attempt)
    if attempt.latency_ms is not None:
        detail["took"] = f"{attempt.latency_ms:.1f} ms"
    return Line(
        attempt.at, "delivery", f"{who} posted {one.type}{often}{note}{again}: {text}", tone, detail
    )


_OWN = re.compile(r"copy \d+ of \d+|delayed \d+ ms|dropped (?:once|twice|\d+ times)")


def _note(deliveries: Sequence[SandboxDelivery]) -> str:
    """Return what chaos did, in brackets; of several, what it did to all of them."""
    said = (deliveries[0].note or "").split(", ")
    kept = [note for note in said if note and (len(deliveries) == 1 or not _OWN.fullmatch(note))]
    return f" ({', '.join(kept)})" if kept else ""


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
