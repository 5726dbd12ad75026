"""What the pages of webhook endpoints show, in words. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from service.core.principal import AccessScope, Principal
from service.core.words import moment
from service.dashboard.money import Standing
from service.dashboard.said import shortened
from service.notifications.endpoints.documents import Try, WebhookDelivery, WebhookEndpoint
from service.notifications.endpoints.states import DeliveryStatus
from service.notifications.events.states import ALL

LONGEST = 120

_WHY = {
    "gone": "since it answered 410",
    "failing": "since it took nothing for five days",
    "by_hand": "by hand",
}
# By whether it is thin.
_CONTENTS = {True: "ids, status and amount", False: "the whole session or payment, too"}
_STATUS = {
    DeliveryStatus.PENDING: "warn",
    DeliveryStatus.DELIVERED: "good",
    DeliveryStatus.FAILED: "bad",
    DeliveryStatus.CANCELED: "",
}


class EndpointLine(Struct, frozen=True):
    """An endpoint, how it stands, and what its reader may do.

    `query` follows each address of it: it names the merchant where that is not the reader's own.
    """

    id: str
    address: str
    query: str
    url: str
    description: str
    state: Standing
    facts: Sequence[tuple[str, str]]
    enabled: bool
    changes: bool


class SentLine(Struct, frozen=True):
    """An event that was sent, or is to be, with its tries."""

    event_id: str
    type: str
    session: str
    status: Standing
    at: str
    then: str
    tries: Sequence[tuple[str, str]]


def endpoint_line(one: WebhookEndpoint, reader: Principal, here: str, query: str) -> EndpointLine:
    """Show an endpoint."""
    enabled = one.disabled is None
    facts = [
        ("Hears", _heard(one)),
        ("Since", moment(one.active_from)),
        ("Sends", f"{_CONTENTS[one.thin]}, {_order(one)}"),
    ]
    if one.header_names:
        facts.append(("Headers", " ".join(one.header_names)))
    facts.append(("Secret", _secrets(one)))
    if one.disabled is not None:
        facts.append(("Disabled", f"{_WHY[one.disabled.reason]}, {moment(one.disabled.at)}"))
    elif one.failing_since is not None:
        facts.append(("Failing", f"since {moment(one.failing_since)}"))
    return EndpointLine(
        id=one.id,
        address=f"{here}/{one.id}",
        query=query,
        url=shortened(one.url, LONGEST),
        description=one.description or "",
        state=_state(one),
        facts=facts,
        enabled=enabled,
        changes=AccessScope.ENDPOINTS_WRITE in reader.scopes,
    )


def _secrets(one: WebhookEndpoint) -> str:
    until = signs_until(one)
    made = f"made {moment(max(each.created_at for each in one.secrets))}"
    return f"{made}; the one before signs until {until}" if until else made


def query_of(merchant: str | None) -> str:
    """Return what follows the address of a page about the endpoints of a merchant that is named."""
    return "" if merchant is None else f"?merchant={merchant}"


def _heard(one: WebhookEndpoint) -> str:
    return "everything" if ALL in one.events else " ".join(one.events)


def _order(one: WebhookEndpoint) -> str:
    return "those of a session one after the other" if one.ordered else "in any order"


def _state(one: WebhookEndpoint) -> Standing:
    if one.disabled is not None:
        return Standing("Disabled", "bad")
    return Standing("Failing", "warn") if one.failing_since else Standing("Active", "good")


def signs_until(one: WebhookEndpoint) -> str:
    """Return until when a secret before the newest signs, as of its making; empty without one."""
    ends = [secret.expires_at for secret in one.secrets if secret.expires_at is not None]
    return moment(max(ends)) if ends else ""


def sent_line(one: WebhookDelivery) -> SentLine:
    """Show an event that was sent."""
    waits = one.status is DeliveryStatus.PENDING
    return SentLine(
        event_id=one.event_id,
        type=one.type,
        session=shortened(one.session_id, LONGEST),
        status=Standing(one.status.value, _STATUS[one.status]),
        at=moment(one.created_at),
        then=f"Next try {moment(one.next_attempt_at)}" if waits else "",
        tries=[(moment(each.at), _tried(each)) for each in reversed(one.attempts)],
    )


def _tried(one: Try) -> str:
    """Return what came of a try: its answer, or what went wrong."""
    said = f" Its answer: {one.answer}" if one.answer else ""
    words = one.error or f"It answered {one.status}."
    return shortened(f"{words} It took {one.took_ms} ms.{said}", 2 * LONGEST)
