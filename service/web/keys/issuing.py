"""Issue, list and revoke API keys, for the command line."""

import re
from collections.abc import Collection
from datetime import timedelta

from msgspec import Struct

from service.core.clock import Clock
from service.core.errors import FieldProblem, InvalidInput, NotFound
from service.core.ids import MERCHANT_ID, digest, new_key
from service.core.principal import DEFAULT_MERCHANT, AccessScope, Kind, bundle_of
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction
from service.web.keys import repository
from service.web.keys.documents import ApiKey

PREFIXES: dict[Kind, str] = {
    Kind.PUBLISHABLE: "pk_",
    Kind.SECRET: "sk_",
    Kind.ADMIN: "ak_",
    Kind.JOBS: "jk_",
}

KEY_ID_LENGTH = 12
_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")
_KEY_ID = re.compile(r"[0-9a-f]{12,64}")


class IssuedKey(Struct, frozen=True):
    """A new key. `key` is shown once and never stored."""

    key: str
    key_id: str
    document: ApiKey


def make_key(
    clock: Clock,
    kind: Kind,
    *,
    name: str | None = None,
    merchant_id: str = DEFAULT_MERCHANT,
    scopes: Collection[AccessScope] | None = None,
    valid_for: timedelta | None = None,
) -> IssuedKey:
    """Make a key of 256 random bits; without `scopes` it has all those of its kind.

    Raises `InvalidInput` for a user, an invalid name or merchant, and scopes that its kind lacks.
    """
    if kind not in PREFIXES:
        raise _wrong("kind", "has no keys: users come with a token")
    if name is not None and not _NAME.fullmatch(name):
        raise _wrong("name", "takes 1 to 40 letters, digits, dots, dashes and underscores")
    if not MERCHANT_ID.fullmatch(merchant_id):
        raise _wrong("merchant", "takes 1 to 40 letters, digits, dashes and underscores")
    _check_scopes(kind, merchant_id, scopes)
    key = new_key(PREFIXES[kind])
    now = clock.now()
    document = ApiKey(
        id=digest(key),
        kind=kind,
        merchant_id=merchant_id,
        name=name,
        scopes=None if scopes is None else sorted({*scopes}),
        created_at=now,
        expires_at=now + valid_for if valid_for else None,
    )
    return IssuedKey(key, document.id[:KEY_ID_LENGTH], document)


async def keep_key(issued: IssuedKey, tx: Transaction = NO_TRANSACTION) -> IssuedKey:
    """Store a new key, which is valid from now on, and return it."""
    await repository.insert_key(issued.document, tx)
    return issued


async def list_keys() -> list[ApiKey]:
    """List every stored key, newest first."""
    return await repository.list_keys()


async def revoke_key(clock: Clock, key_id: str, tx: Transaction = NO_TRANSACTION) -> list[ApiKey]:
    """End a stored key by its id, and return it; processes notice within seconds.

    Several if two keys start with the same digits: each belongs to a merchant of its own.

    Raises `InvalidInput` for anything but a key id, and `NotFound` if no live key has it.
    """
    if not _KEY_ID.fullmatch(key_id):
        raise _wrong("keyId", "takes 12 hex digits, as the list of keys shows them")
    ended = await repository.revoke_by_prefix(key_id, clock.now(), tx)
    if not ended:
        raise NotFound("No live key has this id.", code="key_not_found")
    return ended


def _check_scopes(kind: Kind, merchant_id: str, scopes: Collection[AccessScope] | None) -> None:
    bundle = bundle_of(kind, merchant_id)
    if kind is Kind.JOBS and AccessScope.OPERATOR not in bundle:
        raise _wrong(
            "merchant", f"of a jobs key must be {DEFAULT_MERCHANT}: jobs are for all merchants"
        )
    if scopes is None:
        return
    if not scopes or not bundle.issuperset(scopes):
        key = f"{kind} key of merchant {merchant_id}"
        raise _wrong("scopes", f"of this {key} must be some of: {', '.join(sorted(bundle))}")


def _wrong(field: str, message: str) -> InvalidInput:
    says = f"The {field} can't be used: {field} {message}."
    return InvalidInput(says, problems=(FieldProblem(field, message),))
