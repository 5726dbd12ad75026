"""Add, change, suspend and resume merchants, audited."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from service.audit.operations import Act, record
from service.core.errors import Busy
from service.core.paging import Cursor
from service.core.principal import DEFAULT_MERCHANT, Principal
from service.core.strict_json import JsonObject, JsonValue
from service.merchants import repository
from service.merchants.documents import Merchant, Suspension
from service.merchants.errors import MerchantExists, MerchantNotFound
from service.merchants.operations.merchants import Merchants
from service.storage.answering import Duplicate, answers_in_time
from service.storage.database import Row
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

# Somebody's address: the trail says that it was changed, but not to what.
_UNTOLD = frozenset({"mailSender", "mailRecipients"})


async def list_merchants(
    *, cursor: Cursor | None, limit: int
) -> tuple[list[Merchant], Cursor | None]:
    """List the merchants, newest first."""
    async with answers_in_time():
        return await repository.page(cursor=cursor, limit=limit)


async def find_merchant(merchant_id: str, now: datetime) -> Merchant:
    """Find a merchant in the database, not in the cache. Raises `MerchantNotFound`."""
    async with answers_in_time():
        found = await repository.find(merchant_id)
    if found is not None:
        return found
    if merchant_id != DEFAULT_MERCHANT:
        raise MerchantNotFound
    return Merchant.unnamed(merchant_id, now)


async def require_merchant(merchant_id: str, tx: Transaction) -> None:
    """Refuse to create something for a merchant that does not exist. Raises `MerchantNotFound`.

    Runs in the transaction that creates it. The default merchant always exists.
    """
    if merchant_id != DEFAULT_MERCHANT and await repository.find(merchant_id, tx) is None:
        raise MerchantNotFound


async def add_default(now: datetime, tx: Transaction) -> None:
    """Add the merchant that owns the keys of the environment, unless it exists."""
    await repository.insert_missing(Merchant.unnamed(DEFAULT_MERCHANT, now), tx)


async def add_merchant(merchants: Merchants, merchant: Merchant, by: Principal) -> Merchant:
    """Add a merchant, audited. Raises `MerchantExists`."""

    async def work(tx: Transaction) -> None:
        await repository.insert(merchant, tx)
        row = merchant.to_row()
        detail = _told({name: row[name] for name in row if row[name] and name in _PROFILE})
        act = Act("merchant.added", f"merchant:{merchant.id}", detail=detail)
        await record(tx, by, act, merchant.created_at)

    try:
        await in_transaction(work)
    except Duplicate as error:
        raise MerchantExists(merchant.id) from error
    merchants.forget(merchant.id)
    return merchant


async def change_merchant(
    merchants: Merchants, merchant_id: str, fields: Row, by: Principal
) -> Merchant:
    """Set fields of a merchant by their stored names, audited, and return the merchant.

    Values that are already set are no change. Raises `MerchantNotFound`.
    """

    async def work(tx: Transaction, before: Merchant, now: datetime) -> Merchant:
        row = before.to_row()
        changed = {name: value for name, value in fields.items() if row[name] != value}
        if not changed:
            return before
        after = await _set(before, changed, now, tx)
        was = {f"{name}Before": row[name] for name in changed}
        detail = _told({**changed, **was})
        await record(tx, by, Act("merchant.changed", f"merchant:{before.id}", detail=detail), now)
        return after

    return await _changing(merchants, merchant_id, work)


async def put_merchant(
    merchants: Merchants, new: Merchant, fields: Row, by: Principal
) -> tuple[Merchant, bool]:
    """Set a merchant, or add it where there is none; return it, and whether it was added.

    Of several that add one at once the first does, and the others set what it has added.
    """
    try:
        return await change_merchant(merchants, new.id, fields, by), False
    except MerchantNotFound:
        pass
    try:
        return await add_merchant(merchants, new, by), True
    except MerchantExists:
        return await change_merchant(merchants, new.id, fields, by), False


async def suspend_merchant(
    merchants: Merchants, merchant_id: str, reason: str, by: Principal
) -> Merchant:
    """Suspend a merchant, audited; one that is already suspended stays as it is.

    Raises `MerchantNotFound`.
    """

    async def work(tx: Transaction, before: Merchant, now: datetime) -> Merchant:
        if before.suspended is not None:
            return before
        suspension = Suspension(at=now, by=by.label, reason=reason)
        after = await _set(before, {"suspended": suspension.model_dump(by_alias=True)}, now, tx)
        await record(tx, by, Act("merchant.suspended", f"merchant:{before.id}", reason), now)
        return after

    return await _changing(merchants, merchant_id, work)


async def resume_merchant(
    merchants: Merchants, merchant_id: str, reason: str | None, by: Principal
) -> Merchant:
    """End a suspension, audited; an active merchant stays as it is.

    Raises `MerchantNotFound`.
    """

    async def work(tx: Transaction, before: Merchant, now: datetime) -> Merchant:
        if before.suspended is None:
            return before
        after = await _set(before, {"suspended": None}, now, tx)
        await record(tx, by, Act("merchant.resumed", f"merchant:{before.id}", reason), now)
        return after

    return await _changing(merchants, merchant_id, work)


_PROFILE = (
    *("name", "zone", "defaultCurrency", "mailSender", "mailRecipients", "leadDigest", "language"),
    *("logo", "returnOrigins", "alertsOff"),
)


async def _changing(
    merchants: Merchants,
    merchant_id: str,
    work: Callable[[Transaction, Merchant, datetime], Awaitable[Merchant]],
) -> Merchant:
    """Read and change a merchant in one transaction; this process sees the change at once."""
    now = merchants.clock.now()

    async def change(tx: Transaction) -> Merchant:
        if merchant_id == DEFAULT_MERCHANT:
            await repository.insert_missing(Merchant.unnamed(merchant_id, now), tx)
        before = await repository.find(merchant_id, tx)
        if before is None:
            raise MerchantNotFound
        return await work(tx, before, now)

    try:
        return await in_transaction(change)
    finally:
        merchants.forget(merchant_id)  # also where nobody knows whether it was committed


async def _set(before: Merchant, fields: Row, now: datetime, tx: Transaction) -> Merchant:
    after = await repository.change(before, fields | {"updatedAt": now}, tx)
    if after is None:  # not in a snapshot, where it would be a conflict
        raise Busy("The merchant is being changed by another call.", retry_after=1)
    return after


def _told(fields: Row) -> JsonObject:
    def of(name: str, value: JsonValue) -> JsonValue:
        return "not told" if value and name.removesuffix("Before") in _UNTOLD else value

    return {name: of(name, value) for name, value in fields.items()}
