"""No card data through our own API: refused by the name of the field, never echoed nor logged."""

import io
import json
import re
from typing import Any

import pytest

from service.storage.database import Database
from service.web import fields
from service.web.card_data import find_card_data, holds_card_number
from service.web.logs.access import write_lines_to
from tests.readers.growth import Reader, calls, complaint, seconds
from tests.sessions.asking import PAYMENTS, change, fields_of, payment_body
from tests.support.api import Api

# Numbers that networks and providers publish for tests.
VISA, AMEX, LONG = "4111111111111111", "378282246310005", "6304000000000000000"
REFUSED: dict[str, dict[str, Any]] = {
    "card.number": {"card": {"number": VISA, "brand": "visa"}},
    "number": {"number": int(VISA)},
    "pan": {"pan": "4111 1111 1111 1111"},
    "card_number": {"card_number": "4111-1111-1111-1111"},
    "cardNumber": {"cardNumber": AMEX},
    "customer.card-no": {"customer": {"card-no": LONG}},
    "cvc": {"cvc": "123"},
    "cards.cvv": {"cards": [{"brand": "visa"}, {"cvv": 1234}]},
    "note": {"note": "he said 4111 1111 1111 1111 on the phone"},
    "memo": {"memo": "3782 822463 10005"},
    "card_cvv": {"card_cvv": "123"},
    "ccNumber": {"ccNumber": AMEX},
    "wide.pan": {"wide": {"pan": "４１１１１１１１１１１１１１１１"}},
}
TAKEN: list[dict[str, Any]] = [
    {"number": "4111111111111112"},  # its last digit is wrong
    {"number": "411111111111"},
    {"orderNumber": VISA, "trackingId": VISA, "invoice": {"no": VISA}},
    {"number": 42, "cvc": "none", "cid": "campaign-7", "pan": "ABCPE1234F"},
    {"card": "visa", "cardBrand": "4", "phone": "+49 4111 111111"},
    # These pass the Luhn check, as every tenth number does, and begin as no card does.
    {"order": {"number": "1763700000005"}, "number": "2026112112345672"},
    {"voucher": "1234-5678-9012-3452", "card": "9000000000001"},
    {"cid": "1234", "customer": {"cid": 123}},
    {"iban": "DE89 3704 0044 0532 0130 00", "when": "2026 1121 1200 0000"},
]


@pytest.mark.parametrize("place", REFUSED)
async def test_what_looks_like_card_data_is_refused_by_name(
    api: Api, database: Database, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    lines = io.StringIO()
    write_lines_to(lines)
    try:
        body = payment_body(metadata=REFUSED[place])
        answer = await api.call("POST", PAYMENTS, json=body)
    finally:
        write_lines_to(None)
    assert answer.status_code == 400
    assert fields_of(answer) == {"metadata"}
    assert f"card data in {place}:" in answer.text
    # Of the card's own digits: four of a kind stand in one of many ids and times by chance.
    said = answer.text + lines.getvalue() + "".join(capsys.readouterr())
    assert not re.search("1111[ -]?1111|411111|378282", said)
    assert await database["sessions"].count_documents({}) == 0


async def test_a_change_and_a_reason_are_looked_at_too_and_bodies_know_no_card(api: Api) -> None:
    await api.open(sessionId="s-1")
    changed = await change(api, sessionId="s-1", metadata={"card": {"cvc": "123"}})
    assert (changed.status_code, fields_of(changed)) == (400, {"metadata"})
    told = f"cash, card was {VISA[:4]} 1111 1111 1111"
    reason = await change(api, sessionId="s-1", status="completed", reason=told)
    assert (reason.status_code, fields_of(reason)) == (400, {"reason"})
    beside = await api.call("POST", PAYMENTS, json=payment_body(card={"number": VISA}))
    assert (beside.status_code, fields_of(beside)) == (400, {"card"})
    assert VISA not in changed.text + reason.text + beside.text


@pytest.mark.parametrize("metadata", TAKEN)
def test_other_numbers_are_taken(metadata: dict[str, Any]) -> None:
    assert find_card_data(metadata) is None


def test_a_name_that_is_a_number_itself_is_not_told() -> None:
    assert find_card_data({VISA: {"cvc": "123"}}) == "….cvc"
    assert holds_card_number(f"x{VISA}") is False  # ungrouped it may be anybody's order


async def test_control_without_the_look_it_would_be_stored(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fields, "find_card_data", lambda _: None)
    session = await api.open(metadata=REFUSED["cvc"])
    assert session["metadata"] == {"cvc": "123"}


def _looks(content: Any) -> Reader:
    return Reader("card data", lambda _: content, find_card_data)


@pytest.mark.parametrize("piece", ["4111 1111 1111 111", "4111 ", "1" * 40, "card number "])
def test_the_look_takes_time_in_proportion_to_what_it_reads(piece: str) -> None:
    made = Reader("card data", lambda size: {"a": piece * (size // len(piece))}, find_card_data)
    assert complaint(made) is None


def test_the_look_is_small_however_deep_and_beside_the_rest() -> None:
    deep: Any = "x"
    for _ in range(40):
        deep = {"k" * 200: deep, "n": "4111 1111"}
    assert calls(_looks(deep), deep) < 40 * 25
    assert seconds(_looks(deep), deep) < 0.01
    usual = {f"key-{n}": f"value {n}" for n in range(10)}
    read = Reader("the standard library", lambda _: usual, lambda it: json.loads(json.dumps(it)))
    assert seconds(_looks(usual), usual) < 20 * max(seconds(read, usual), 2e-5)
    # The control: it is counted at all, and what is twice as much takes twice as many calls.
    assert calls(_looks(deep), [deep, deep]) > 1.9 * calls(_looks(deep), deep) > 100
