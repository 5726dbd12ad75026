"""Named queries on the client secrets of open sessions: under which pepper each was made."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime

from msgspec import Struct

from service.sessions.documents import Session
from service.sessions.states import Status
from service.storage.answering import answers_in_time
from service.storage.database import Row

_FIELDS = {"_id": 0, "sessionId": 1, "secretSalt": 1, "clientSecretHash": 1, "expiresAt": 1}
_WITHIN_S = 30.0


class KeptSecret(Struct, frozen=True):
    """What is stored about a session's client secret."""

    session_id: str
    secret_salt: str
    client_secret_hash: str


class OpenSecrets(Struct, frozen=True):
    """What is stored about the next open sessions: all that expire until `up_to`."""

    secrets: Sequence[KeptSecret]
    up_to: datetime


async def walk_open_secrets(size: int, after: datetime | None) -> AsyncGenerator[OpenSecrets, None]:
    """Yield what is stored about the client secrets of the open sessions that expire after a time.

    The first to expire come first, about `size` at a time; those of one moment are not parted, so
    that `up_to` says what was read. Raises `Unavailable`.
    """
    held: list[Row] = []
    cursor = Session.get_pymongo_collection().find(_open(after), _FIELDS).sort("expiresAt", 1)
    async with cursor.batch_size(size) as found:
        while True:
            async with answers_in_time(_WITHIN_S):
                rows = await found.to_list(size)
            if not rows:
                break
            held += rows
            whole = [row for row in held if row["expiresAt"] < held[-1]["expiresAt"]]
            if whole:
                held = held[len(whole) :]
                yield _of(whole)
    if held:
        yield _of(held)


async def count_open_secrets(after: datetime) -> int:
    """Count the open sessions that expire after a time. Raises `Unavailable`."""
    async with answers_in_time(_WITHIN_S):
        return await Session.get_pymongo_collection().count_documents(_open(after))


def _open(after: datetime | None) -> Row:
    is_open: Row = {"status": {"$in": [Status.PENDING.value, Status.PROCESSING.value]}}
    return is_open if after is None else {**is_open, "expiresAt": {"$gt": after}}


def _of(rows: Sequence[Row]) -> OpenSecrets:
    secrets = [
        KeptSecret(row["sessionId"], row["secretSalt"], row["clientSecretHash"]) for row in rows
    ]
    return OpenSecrets(secrets, rows[-1]["expiresAt"])
