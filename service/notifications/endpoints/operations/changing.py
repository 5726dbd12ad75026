"""Add, change and remove endpoints, and give them new secrets; all of it audited."""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from service.core.ids import digest, new_id
from service.core.principal import Principal
from service.core.strict_json import JsonObject
from service.notifications.endpoints.documents import Disabled, SigningSecret, WebhookEndpoint
from service.notifications.endpoints.errors import (
    AddedBefore,
    HeadersWanted,
)
from service.notifications.endpoints.operations.addresses import target_of
from service.notifications.endpoints.operations.bodies import VERSION
from service.notifications.endpoints.operations.canceling import cancel_all, cancel_waiting
from service.notifications.endpoints.operations.finding import (
    find_endpoint,
    record_act,
    require_endpoint,
    require_room,
)
from service.notifications.endpoints.operations.known import KNOWN_WITHIN
from service.notifications.endpoints.operations.sealing import new_secret
from service.notifications.endpoints.operations.services import EndpointServices
from service.notifications.endpoints.repository import endpoints as repository
from service.storage.database import Row
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

MOST_ENDPOINTS = 100
"""Of one merchant."""
OVERLAP = timedelta(hours=24)
"""How long a secret still signs after a newer one was made."""
MOST_SECRETS = 5
KEPT_REMOVED = timedelta(days=30)


class Wish(Struct, frozen=True):
    """What an endpoint is to be; None stays as it is, or is the usual."""

    url: str | None = None
    events: tuple[str, ...] | None = None
    description: str | None = None
    headers: Mapping[str, str] | None = None
    thin: bool | None = None
    ordered: bool | None = None
    enabled: bool | None = None


class Told(Struct, frozen=True):
    """An endpoint, and its new secret: the only time that it is shown."""

    endpoint: WebhookEndpoint
    secret: str


async def add_endpoint(
    services: EndpointServices, wish: Wish, by: Principal, *, seed: str | None = None
) -> Told:
    """Add an endpoint. It hears what is written from when every process knows it.

    `seed`: a call that is repeated finds the one that it made, and gives it a new secret, as
    rotating does. Raises `AddressRefused`, `MerchantNotFound`, `TooManyEndpoints`, and
    `AddedBefore` where that one is another by now.
    """
    await services.addresses.of(target_of(wish.url or ""))
    endpoint_id = new_id("we") if seed is None else f"we_{digest(seed)[:22]}"
    secret, now = new_secret(), services.clock.now()
    made = _new(services, endpoint_id, wish, by.merchant_id, secret)

    async def work(tx: Transaction) -> None:
        if (before := await repository.find_any(endpoint_id, tx)) is not None:
            if before.removed or not _is_wished(before, made):
                raise AddedBefore
            await _rotate(services, before, made.secrets[0], by, tx)
            return
        await require_room(by.merchant_id, MOST_ENDPOINTS, tx)
        await repository.insert(made, services.clock, tx)
        await record_act(tx, by, "endpoint.added", made, _described(made.to_row()), now)

    await _done(services, work)
    return Told(await find_endpoint(endpoint_id, by.merchant_id), secret)


async def change_endpoint(
    services: EndpointServices, endpoint_id: str, wish: Wish, by: Principal
) -> WebhookEndpoint:
    """Change an endpoint; what it was sent before stays sent. Raises `EndpointNotFound`.

    Raises `AddressRefused`, too, and `HeadersWanted` where it moves to another host and its headers
    are not named again. One that is enabled again hears what is written from then on.
    """
    if wish.url is not None:
        await services.addresses.of(target_of(wish.url))
    if wish.enabled:  # what a disabled one still has waiting is not for it any more
        await find_endpoint(endpoint_id, by.merchant_id)
        await cancel_all(endpoint_id, services.clock.now())
    now = services.clock.now()

    async def work(tx: Transaction) -> None:
        before = await require_endpoint(endpoint_id, by, tx)
        if before.header_names and wish.headers is None and _moves(before, wish):
            raise HeadersWanted(before.header_names)
        fields = before.differing(_fields(services, before, wish, now))
        if not fields:
            return
        changes = fields | {"updatedAt": now}
        await repository.change(endpoint_id, by.merchant_id, changes, services.clock, tx)
        await record_act(tx, by, "endpoint.changed", before, _described(fields), now)

    await _done(services, work)
    if wish.enabled is False:
        await cancel_waiting(endpoint_id, now)
    return await find_endpoint(endpoint_id, by.merchant_id)


async def remove_endpoint(services: EndpointServices, endpoint_id: str, by: Principal) -> None:
    """Remove an endpoint, and cancel what waits for it. Raises `EndpointNotFound`."""
    now = services.clock.now()

    async def work(tx: Transaction) -> None:
        before = await require_endpoint(endpoint_id, by, tx)
        gone: Row = {
            "removed": True,
            "purgeAt": now + KEPT_REMOVED,
            "secrets": [],
            "headers": None,
        }
        await repository.change(endpoint_id, by.merchant_id, gone, services.clock, tx)
        await record_act(tx, by, "endpoint.removed", before, {"host": _host(before.url)}, now)

    await _done(services, work)
    await cancel_waiting(endpoint_id, now)


async def rotate_secret(services: EndpointServices, endpoint_id: str, by: Principal) -> Told:
    """Make a new secret for an endpoint; the one before still signs for a day.

    Each delivery is signed with both meanwhile. Raises `EndpointNotFound`.
    """
    secret, now = new_secret(), services.clock.now()
    sealed = services.sealer.seal(endpoint_id, secret)
    newest = SigningSecret(sealed=sealed, created_at=now)

    async def work(tx: Transaction) -> None:
        before = await require_endpoint(endpoint_id, by, tx)
        await _rotate(services, before, newest, by, tx)

    await _done(services, work)
    return Told(await find_endpoint(endpoint_id, by.merchant_id), secret)


async def _rotate(
    services: EndpointServices,
    before: WebhookEndpoint,
    newest: SigningSecret,
    by: Principal,
    tx: Transaction,
) -> None:
    now = newest.created_at
    ends = now + OVERLAP
    older = [
        one.model_copy(update={"expires_at": min(one.expires_at or ends, ends)})
        for one in before.secrets
        if one.expires_at is None or one.expires_at > now
    ]
    kept = [one.model_dump(by_alias=True) for one in (newest, *older)][:MOST_SECRETS]
    changes: Row = {"secrets": kept, "updatedAt": now}
    await repository.change(before.id, before.merchant_id, changes, services.clock, tx)
    detail: JsonObject = {"olderSignsUntil": ends.isoformat()}
    await record_act(tx, by, "endpoint.secret_rotated", before, detail, now)


async def _done(services: EndpointServices, work: Callable[[Transaction], Awaitable[None]]) -> None:
    """Do it; this process knows at once, also where nobody knows whether it was committed."""
    try:
        await in_transaction(work)
    finally:
        services.endpoints.forget()


def _moves(before: WebhookEndpoint, wish: Wish) -> bool:
    """Return whether another host is meant than the one that its headers were named for."""
    if wish.url is None:
        return False
    was, is_now = target_of(before.url), target_of(wish.url)
    return (was.authority, was.encrypted) != (is_now.authority, is_now.encrypted)


def _is_wished(before: WebhookEndpoint, made: WebhookEndpoint) -> bool:
    """Return whether an endpoint is what somebody wants to add, as far as anybody can see."""
    names = ("merchant_id", "url", "events", "description", "thin", "ordered", "header_names")
    return all(getattr(before, name) == getattr(made, name) for name in names)


def _new(
    services: EndpointServices, endpoint_id: str, wish: Wish, merchant_id: str, secret: str
) -> WebhookEndpoint:
    now = services.clock.now()
    headers = dict(wish.headers or {})
    sealed = services.sealer.seal(endpoint_id, secret)
    return WebhookEndpoint(
        id=endpoint_id,
        merchant_id=merchant_id,
        url=wish.url or "",
        description=wish.description,
        events=list(wish.events or ()),
        secrets=[SigningSecret(sealed=sealed, created_at=now)],
        header_names=sorted(headers),
        headers=_sealed_headers(services, endpoint_id, headers),
        version=VERSION,
        thin=wish.thin is not False,
        ordered=wish.ordered is True,
        active_from=now + KNOWN_WITHIN,
        created_at=now,
        updated_at=now,
        changed_at=now,
    )


def _fields(services: EndpointServices, before: WebhookEndpoint, wish: Wish, now: datetime) -> Row:
    """Return what a wish sets, by the stored names."""
    plain = {
        "url": wish.url,
        "description": wish.description,
        "events": None if wish.events is None else list(wish.events),
        "thin": wish.thin,
        "ordered": wish.ordered,
    }
    fields: Row = {name: value for name, value in plain.items() if value is not None}
    if wish.headers is not None:
        fields["headerNames"] = sorted(wish.headers)
        fields["headers"] = _sealed_headers(services, before.id, wish.headers)
    if wish.enabled and before.disabled is not None:
        since = now + KNOWN_WITHIN
        fields |= {"disabled": None, "failingSince": None, "activeFrom": since}
    elif wish.enabled is False and before.disabled is None:
        fields["disabled"] = Disabled(at=now, reason="by_hand").model_dump(by_alias=True)
    return fields


def _sealed_headers(
    services: EndpointServices, endpoint_id: str, headers: Mapping[str, str]
) -> str | None:
    text = json.dumps(dict(headers), sort_keys=True)
    return services.sealer.seal(endpoint_id, text) if headers else None


def _described(fields: Row) -> JsonObject:
    """Return what the trail says of an endpoint: the host, since an address may hold a key."""
    told = {name: fields[name] for name in _TOLD if name in fields}
    if "url" in fields:
        told["host"] = _host(fields["url"])
    if "disabled" in fields:
        told["enabled"] = fields["disabled"] is None
    return told


_TOLD = ("events", "headerNames", "thin", "ordered")


def _host(url: str) -> str:
    return target_of(url).authority
