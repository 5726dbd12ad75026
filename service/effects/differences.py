"""In what two readings of one event differ. Pure."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from service.core.strict_json import JsonObject
from service.providers.facts import DisputeUpdated, PaymentFailed, RefundUpdated

# What a fact may say besides what it means: it moves no session and decides about no money.
_BESIDES = {
    PaymentFailed.__name__: {"declineCode", "failureDetails"},
}
# What the ledger takes as it is read today, in whatever order: all but which one it is. One that
# voids its payment means more than that to the payment.
_OF_THE_LEDGER = {
    RefundUpdated.__name__: "providerRefundId",
    DisputeUpdated.__name__: "providerDisputeId",
}
_BESIDES_OF_A_PAYMENT = {"method", "aliases", "details"}


class Difference(Struct, frozen=True):
    """One field that is read otherwise; None where it is not there."""

    field: str
    then: object
    now: object


def differences(then: object, now: object) -> list[Difference]:
    """Return each field that is another now, by its place: `0.payment.details.country`."""
    before, after = dict(_fields("", then)), dict(_fields("", now))
    return [
        Difference(field.removeprefix("."), before.get(field), after.get(field))
        for field in sorted({*before, *after})
        if before.get(field) != after.get(field)
    ]


def mean_the_same(then: Iterable[JsonObject], now: Iterable[JsonObject]) -> bool:
    """Return whether two readings mean the same, whatever else they say."""
    return [_meaning(fact) for fact in then] == [_meaning(fact) for fact in now]


def _meaning(fact: JsonObject) -> JsonObject:
    if (named := _OF_THE_LEDGER.get(str(fact.get("type")))) is not None:
        return {"id": fact.get(named), "voids": fact.get("voids") or False}
    besides = _BESIDES.get(str(fact.get("type")), set())
    kept = {name: value for name, value in fact.items() if name not in besides}
    if isinstance(payment := kept.get("payment"), dict):
        kept["payment"] = {
            name: value for name, value in payment.items() if name not in _BESIDES_OF_A_PAYMENT
        }
    return kept


def _fields(place: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, inside in value.items():
            yield from _fields(f"{place}.{name}", inside)
    elif isinstance(value, list | tuple):
        for number, inside in enumerate(value):
            yield from _fields(f"{place}.{number}", inside)
    else:
        yield place, value
