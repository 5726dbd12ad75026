"""Issue and revoke API keys, audited: a key belongs to a merchant that exists."""

from service.audit.operations import Act, record
from service.core.clock import Clock
from service.core.principal import Principal
from service.core.strict_json import JsonObject
from service.merchants.operations.changing import require_merchant
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction
from service.web.keys import issuing
from service.web.keys.documents import ApiKey
from service.web.keys.issuing import KEY_ID_LENGTH, IssuedKey


async def issue_key(clock: Clock, made: IssuedKey, by: Principal) -> IssuedKey:
    """Store a new key, audited. Raises `MerchantNotFound`."""

    async def work(tx: Transaction) -> IssuedKey:
        await require_merchant(made.document.merchant_id, tx)
        await issuing.keep_key(made, tx)
        act = Act("key.created", f"key:{made.key_id}", detail=_described(made.document))
        await record(tx, by.acting_for(made.document.merchant_id), act, clock.now())
        return made

    return await in_transaction(work)


async def revoke_key(clock: Clock, key_id: str, by: Principal) -> None:
    """Revoke a stored key by its id, recorded in the trail of its merchant.

    Raises `InvalidInput` for something that is no key id and `NotFound` where no live key has it.
    """

    async def work(tx: Transaction) -> None:
        for key in await issuing.revoke_key(clock, key_id, tx):
            act = Act("key.revoked", f"key:{key.id[:KEY_ID_LENGTH]}", detail=_described(key))
            await record(tx, by.acting_for(key.merchant_id), act, clock.now())

    await in_transaction(work)


def listed_scopes(key: ApiKey) -> str:
    """Return what a key may do, as people read it."""
    return "all" if key.scopes is None else ",".join(key.scopes)


def _described(key: ApiKey) -> JsonObject:
    return {"kind": key.kind.value, "name": key.name, "scopes": listed_scopes(key)}
