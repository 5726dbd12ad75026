"""How a merchant wants its customers reminded: read, set, paused, on the record."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from service.audit.operations import Act, record
from service.core.principal import Principal
from service.core.strict_json import JsonObject
from service.recovery import repository
from service.recovery.documents import RecoveryPolicy
from service.recovery.errors import NotReminded
from service.recovery.operations.services import RecoveryServices
from service.storage.answering import answers_in_time
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction


class Wished(Struct, frozen=True):
    """How a merchant wants its customers reminded, as `RecoveryPolicy` has it."""

    enabled: bool
    after: list[int]
    quiet_from: int
    quiet_until: int
    held_out: int
    most_a_day: int
    most_a_customer: int
    customer_days: int
    mail: bool


async def read_policy(merchant_id: str, services: RecoveryServices) -> RecoveryPolicy:
    """Return a merchant's policy; where it has none, one that is not enabled."""
    async with answers_in_time():
        found = await repository.find_policy(merchant_id)
    return found or _none(merchant_id, services.clock.now())


async def set_policy(wished: Wished, by: Principal, services: RecoveryServices) -> RecoveryPolicy:
    """Set a merchant's policy, on the record. Whose sessions were left before is not reminded."""
    now = services.clock.now()

    async def work(tx: Transaction) -> RecoveryPolicy:
        found = await repository.find_policy(by.merchant_id, tx)
        before = found or _none(by.merchant_id, now)
        fields = {name: getattr(wished, name) for name in wished.__struct_fields__}
        if not before.enabled and wished.enabled:
            fields |= {"reached": _second(now)}
        policy = _changed(before, {**fields, "updated_at": now})
        await repository.put_policy(policy, tx)
        detail: JsonObject = {
            name: [getattr(before, name), value]
            for name, value in fields.items()
            if name != "reached" and getattr(before, name) != value
        }
        await record(tx, by, Act("recovery.policy_set", _OBJECT, detail=detail), now)
        return policy

    return await in_transaction(work)


async def pause(
    by: Principal, services: RecoveryServices, *, paused: bool, reason: str | None = None
) -> RecoveryPolicy:
    """Send no reminders until that is taken back, on the record; what is left is still counted.

    Raises `NotReminded` where the merchant has no policy.
    """
    now = services.clock.now()

    async def work(tx: Transaction) -> RecoveryPolicy:
        found = await repository.find_policy(by.merchant_id, tx)
        if found is None:
            raise NotReminded("This merchant reminds nobody: set how customers are reminded first.")
        policy = _changed(found, {"paused": paused, "updated_at": now})
        if found.paused != paused:
            await repository.put_policy(policy, tx)
            action = "recovery.paused" if paused else "recovery.resumed"
            await record(tx, by, Act(action, _OBJECT, reason), now)
        return policy

    return await in_transaction(work)


_OBJECT = "recovery:policy"


def _changed(policy: RecoveryPolicy, fields: Mapping[str, object]) -> RecoveryPolicy:
    changed: RecoveryPolicy = policy.model_copy(update=fields)
    return changed


def _none(merchant_id: str, now: datetime) -> RecoveryPolicy:
    return RecoveryPolicy(
        id=merchant_id, enabled=False, reached=_second(now), counted_from=now, updated_at=now
    )


def _second(now: datetime) -> int:
    return int(now.timestamp())
