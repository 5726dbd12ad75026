"""Merchants over HTTP: read, set and added, each by who may, each act on the record."""

import asyncio
from typing import Any

import pytest

from service.core.principal import AccessScope, Kind
from tests.merchants.asking import PATH, PROFILE, keys_of, put, resume, suspend
from tests.support.api import ADMIN
from tests.support.keys import issue_key
from tests.support.shop import Shop


async def _trail(shop: Shop, merchant: str = "alpha") -> list[tuple[str, str, Any]]:
    rows = shop.database["audit_log"].find({"object": f"merchant:{merchant}"}).sort("_id", 1)
    found = await rows.to_list()
    assert {row["merchantId"] for row in found} == {merchant}
    return [(row["action"], row["actor"], row["detail"]) for row in found]


async def test_an_operator_adds_a_merchant_and_reads_it_as_it_was_set(shop: Shop) -> None:
    added = await put(shop)
    assert added.status_code == 201, added.text
    moment = "2026-11-21T12:00:00Z"
    wanted = PROFILE | {"id": "alpha", "suspended": None, "createdAt": moment, "updatedAt": moment}
    assert added.json() == {"merchant": wanted}
    assert (await shop.admin("GET", "/merchants/alpha")).json() == {"merchant": wanted}
    changed = await put(shop, zone="Europe/Berlin", logo=None)
    assert (changed.status_code, changed.json()["merchant"]["zone"]) == (200, "Europe/Berlin")
    assert changed.json()["merchant"]["logo"] is None


async def test_the_first_merchant_is_that_of_the_environments_keys_and_is_never_made_anew(
    shop: Shop,
) -> None:
    first = (await shop.admin("GET", "/merchants/default")).json()["merchant"]
    assert (first["zone"], first["defaultCurrency"], first["returnOrigins"]) == ("UTC", None, [])
    answer = await shop.admin(
        "PUT", "/merchants/default", json={"name": "Us", "zone": "Asia/Tokyo"}
    )
    assert (answer.status_code, answer.json()["merchant"]["name"]) == (200, "Us")
    assert await shop.database["merchants"].count_documents({}) == 1


async def test_a_merchants_own_key_sets_its_own_and_no_other(shop: Shop) -> None:
    own, other = (await keys_of(shop))[Kind.ADMIN], (await keys_of(shop, "beta"))[Kind.ADMIN]
    fields = PROFILE | {"mailSender": None}  # which only operators set
    assert (await shop.api.call("PUT", f"{PATH}/alpha", own, json=fields)).status_code == 200
    assert (await shop.api.call("GET", f"{PATH}/alpha", own)).status_code == 200
    # One that is there and one that is not are refused in the same words.
    for merchant in ("alpha", "nobody", "default"):
        for method, options in (("GET", {}), ("PUT", {"json": PROFILE})):
            answer = await shop.api.call(method, f"{PATH}/{merchant}", other, **options)
            assert answer.status_code == 403, answer.text
            assert "without the scope operator" in answer.json()["detail"]
    assert (await shop.api.call("GET", PATH, own)).status_code == 403
    for act in ("suspend", "resume"):
        answer = await shop.api.call("POST", f"{PATH}/alpha/{act}", own, json={"reason": "x"})
        assert answer.status_code == 403
    assert not await shop.database["merchants"].count_documents({"suspended": {"$ne": None}})


async def test_every_act_stands_in_the_trail_of_its_merchant_and_names_the_operator(
    shop: Shop,
) -> None:
    await put(shop)
    await put(shop)  # the same again is no change
    await put(shop, zone="Europe/Berlin", mailSender="new@alpha.example")
    own = (await keys_of(shop))[Kind.ADMIN]
    await shop.api.call(
        "PUT", f"{PATH}/alpha", own, json=PROFILE | {"name": "A", "mailSender": None}
    )
    for _ in range(2):
        await suspend(shop)
    for _ in range(2):
        await resume(shop)
    trail = await _trail(shop)
    operator = "admin:operator:ops"
    assert [(action, actor) for action, actor, _ in trail] == [
        ("merchant.added", operator),
        ("merchant.changed", operator),
        ("merchant.changed", "admin:night"),
        ("merchant.suspended", operator),
        ("merchant.resumed", operator),
    ]
    assert trail[0][2] == PROFILE | {"mailSender": "not told", "mailRecipients": "not told"}
    assert trail[1][2] == {
        "zone": "Europe/Berlin",
        "zoneBefore": "Asia/Kolkata",
        "mailSender": "not told",
        "mailSenderBefore": "not told",
    }


async def test_the_list_is_paged_newest_first(shop: Shop) -> None:
    for name in ("one", "two", "three"):
        await put(shop, name, name=name)
        shop.pass_time(minutes=1)
    page = (await shop.admin("GET", "/merchants", params={"limit": 2})).json()
    assert [one["id"] for one in page["merchants"]] == ["three", "two"]
    rest = await shop.admin("GET", "/merchants", params={"cursor": page["nextCursor"]})
    assert [one["id"] for one in rest.json()["merchants"]] == ["one"]
    assert rest.json()["nextCursor"] is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "two\nlines"),
        ("name", " "),
        ("name", "\u202egpj.exe"),
        ("name", "The\u200b Shop"),
        ("zone", "Mars/Olympus"),
        ("zone", "../../etc/passwd"),
        ("zone", "localtime"),
        ("zone", "America"),
        ("zone", None),
        ("defaultCurrency", "XXX1"),
        ("mailSender", "no address"),
        ("mailSender", "a@b.example\r\nBcc: x@y.example"),
        ("mailSender", "\u202ea@b.example"),
        ("logo", "http://alpha.example/logo.png"),
        ("logo", "https://user:word@alpha.example/logo.png"),
        ("logo", 'https://alpha.example/"onload=x'),
        ("logo", "javascript:alert(1)"),
        ("logo", 5),
        ("logo", "https://bücher.example/logo.png"),
        ("logo", "https://alpha.example:99999/logo.png"),
        ("logo", f"https://alpha.example/{'x' * 479}"),
        ("returnOrigins", ["*"]),
        ("returnOrigins", ["https://*.alpha.example"]),
        ("returnOrigins", ["https://alpha..example"]),
        ("returnOrigins", ["https://alpha.example."]),
        ("returnOrigins", ["https://alpha%2eexample"]),
        ("returnOrigins", ["https://alpha,beta.example"]),
        ("returnOrigins", ["https://-alpha.example"]),
        ("returnOrigins", ["https://alpha.example/path"]),
        ("returnOrigins", ["https://alpha.example?x=1"]),
        ("returnOrigins", ["https://user@alpha.example"]),
        ("returnOrigins", ["http://alpha.example"]),
        ("returnOrigins", ["https://alpha.example\n"]),
        ("returnOrigins", [f"https://a{n}.example" for n in range(21)]),
        ("suspended", None),
    ],
)
async def test_what_can_not_be_used_is_refused_by_the_name_of_its_field(
    shop: Shop, field: str, value: object
) -> None:
    answer = await put(shop, **{field: value})
    assert answer.status_code == 400, answer.text
    assert {one["field"].partition("[")[0] for one in answer.json()["errors"]} == {field}
    assert await shop.database["merchants"].count_documents({"_id": "alpha"}) == 0


async def test_an_address_may_have_five_hundred_characters(shop: Shop) -> None:
    longest = f"https://alpha.example/{'x' * 478}"
    assert (await put(shop, logo=longest)).json()["merchant"]["logo"] == longest
    assert len(longest) == 500


async def test_to_set_one_changes_no_other(shop: Shop) -> None:
    for name in ("alpha", "beta"):
        await put(shop, name)
    before = (await shop.admin("GET", "/merchants/alpha")).json()
    await put(shop, "beta", name="B")
    await suspend(shop, "beta")
    assert (await shop.admin("GET", "/merchants/alpha")).json() == before
    beta = (await shop.admin("GET", "/merchants/beta")).json()["merchant"]
    assert (beta["name"], beta["suspended"]["reason"]) == ("B", "ticket 4711")


async def test_an_origin_is_kept_as_browsers_write_it_and_each_once(shop: Shop) -> None:
    others = ["http://localhost:3000", "https://xn--80ak6aa92e.example:8443", "https://[::1]"]
    origins = ["https://Alpha.example:443", "https://alpha.example", *others]
    kept = (await put(shop, returnOrigins=origins)).json()["merchant"]["returnOrigins"]
    assert kept == ["https://alpha.example", *others]


@pytest.mark.parametrize("name", ["Zoë & Söhne", "नमस्ते क्\u200dष", "می\u200cخواهم", "<b>Shop</b>"])
async def test_a_name_is_in_any_script_and_kept_as_it_was_written(shop: Shop, name: str) -> None:
    assert (await put(shop, name=name)).json()["merchant"]["name"] == name


@pytest.mark.parametrize("merchant", ["a%0Ab", "alpha%0A", "a%20b", "%1B[31m", "x" * 41, "a.b"])
async def test_an_id_has_no_control_characters_and_an_end(shop: Shop, merchant: str) -> None:
    assert (await put(shop, merchant)).status_code == 400
    unknown = 400 if merchant.endswith("%0A") else 404  # no parameter ends in a line feed
    assert (await shop.admin("GET", f"/merchants/{merchant}")).status_code == unknown
    answer = await shop.api.call("POST", f"{PATH}/{merchant}/suspend", ADMIN, json={"reason": "x"})
    assert answer.status_code == unknown
    assert await shop.database["merchants"].count_documents({}) == 0


async def test_those_that_add_one_merchant_at_once_make_one_and_set_it_as_often(
    shop: Shop,
) -> None:
    names = [f"number {n}" for n in range(8)]
    answers = await asyncio.gather(*(put(shop, name=name) for name in names))
    assert sorted(answer.status_code for answer in answers) == [*[200] * 7, 201]
    assert sorted(answer.json()["merchant"]["name"] for answer in answers) == names
    [row] = await shop.database["merchants"].find().to_list()
    assert row["name"] in names
    acts = sorted(action for action, *_ in await _trail(shop))
    assert acts == ["merchant.added", *["merchant.changed"] * 7]


async def test_a_narrow_key_reads_and_does_not_set(shop: Shop) -> None:
    options = {"merchant_id": "alpha", "scopes": [AccessScope.MERCHANTS_READ]}
    reader = (await issue_key(shop.clock, Kind.ADMIN, **options)).key
    assert (await shop.api.call("GET", f"{PATH}/alpha", reader)).status_code == 200
    answer = await shop.api.call("PUT", f"{PATH}/alpha", reader, json=PROFILE)
    assert (answer.status_code, "merchants:write" in answer.json()["detail"]) == (403, True)


async def test_a_merchant_mails_in_nobody_elses_name_and_an_operator_says_in_whose(
    shop: Shop,
) -> None:
    await put(shop)
    own = (await keys_of(shop))[Kind.ADMIN]
    one = f"{PATH}/alpha"
    named = await shop.api.call("PUT", one, own, json=PROFILE | {"mailSender": "ceo@beta.example"})
    assert (named.status_code, named.json()["error"]) == (403, "sender_refused")
    left_out = {name: value for name, value in PROFILE.items() if name != "mailSender"}
    for body in (left_out, PROFILE, PROFILE | {"mailSender": None}):
        kept = await shop.api.call("PUT", one, own, json=body)
        assert kept.json()["merchant"]["mailSender"] == PROFILE["mailSender"]
    control = await put(shop, mailSender="ceo@beta.example")
    assert control.json()["merchant"]["mailSender"] == "ceo@beta.example"
