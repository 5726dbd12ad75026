"""What templates can say: premade in each language, a merchant's own, and what none may do."""

from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from service.merchants.documents import LanguageCode, Merchant
from service.notifications.mail.errors import TemplateRefused
from service.notifications.mail.operations.render import Wanted, render
from service.notifications.mail.operations.templating import LARGEST_SOURCE, check, fill
from service.notifications.mail.operations.words import language, moment, money, price
from service.notifications.mail.states import MAILS, TEMPLATES
from tests.notifications.mail.mailing import CUSTOMER, Mailing

LANGUAGES = get_args(LanguageCode)
VALUES: dict[str, Any] = {
    "merchant": {"name": "<b>The Shop</b>"},
    "lines": ["one", "two"],
    "facts": [{"label": "x", "value": "y"}],
    "amount": "EUR 1",
}


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_has_words_for_every_mail(code: LanguageCode) -> None:
    spoken, english = language(code), language("en")
    assert set(spoken.templates) == set(TEMPLATES)
    assert len(spoken.format.months) == 12
    for name, words in spoken.templates.items():
        assert len(words.facts) == len(english.templates[name].facts)
        assert len(words.rows) == len(english.templates[name].rows)
    assert (spoken.common.keys(), spoken.unsubscribing.keys()) == (
        english.common.keys(),
        english.unsubscribing.keys(),
    )
    assert code == "en" or spoken is not english


def test_every_topic_leads_to_a_template_that_there_is() -> None:
    assert {name for names in MAILS.values() for name in names} <= set(TEMPLATES)
    called = {name for names in MAILS.values() for name in names}
    assert set(TEMPLATES) - called == {"test", "lead_digest"}


@pytest.mark.parametrize(
    ("minor", "places", "currency", "english", "german"),
    [
        (123450, 2, "EUR", "EUR 1,234.50", "1.234,50 EUR"),
        (1234567, 0, "JPY", "JPY 1,234,567", "1.234.567 JPY"),
        (1234, 3, "KWD", "KWD 1.234", "1,234 KWD"),
        (5, 2, "INR", "INR 0.05", "0,05 INR"),
        (0, 2, "USD", "USD 0.00", "0,00 USD"),
        (-99, 2, "USD", "USD -0.99", "-0,99 USD"),
        (2**53 - 1, 2, "USD", "USD 90,071,992,547,409.91", "90.071.992.547.409,91 USD"),
    ],
)
def test_money_is_written_by_its_exponent_and_the_language(
    minor: int, places: int, currency: str, english: str, german: str
) -> None:
    for code, expected in (("en", english), ("de", german)):
        written = money(minor, places, currency, language(code).format)
        assert written.replace("\xa0", " ") == expected


def test_times_are_written_in_the_merchants_zone() -> None:
    at = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
    german = language("de").format
    assert moment(at, "Europe/Berlin", german) == "29. März 2026, 01:59 Uhr (Europe/Berlin)"
    later = at.replace(hour=1, minute=0)
    assert moment(later, "Europe/Berlin", german) == "29. März 2026, 03:00 Uhr (Europe/Berlin)"
    assert moment(at, "Asia/Kolkata", language("en").format, day_alone=True) == "29 March 2026"


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ merchant['__class__'] }}",
        "{{ merchant.name.upper() }}",
        "{{ merchant.name.format }}",
        "{{ lines.append }}",
        "{{ merchant|attr('__class__') }}",
        "{{ merchant.name|safe }}",
        "{% autoescape false %}{{ merchant.name }}{% endautoescape %}",
        "{{ self }}",
        "{{ cycler }}",
        "{{ range(10) }}",
        "{{ lines }}",
        "{{ merchant }}",
        "{% for x in range(999999999) %}x{% endfor %}",
        "{% for x in lines recursive %}{{ loop(lines) }}{% endfor %}",
        "{% for a in lines %}{% for b in lines %}{% for c in lines %}{% endfor %}{% endfor %}"
        "{% endfor %}",
        "{% for a in lines %}{% endfor %}" * 21,
        "{{ 'x' * 999999999 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ amount ~ amount }}",
        "{% set x = 1 %}",
        "{% macro m() %}{% endmacro %}",
        "{% include 'mail.html' %}",
        "{% extends 'mail.html' %}",
        "{% import 'x' as y %}",
        "{{ '%999999999d'|format(1) }}",
        "{{ amount|center(999999999) }}",
        "{{ lines|map('upper')|list }}",
        "{{ unknown }}",
        "{{ merchant.unknown }}",
        "{% if %}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ " + "not " * 5000 + "1 }}",
        "{% if amount %}" * 150 + "x" + "{% endif %}" * 150,
        "{{ " + " and ".join(["amount"] * 4000) + " }}",
        "{{ amount" + "|upper" * 3000 + " }}",
        "{{ amount" + ".a" * 3000 + " }}",
        "x" * (LARGEST_SOURCE + 1),
    ],
)
def test_a_template_says_values_and_does_nothing(source: str) -> None:
    with pytest.raises(TemplateRefused):
        fill(source, VALUES, html=True)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ merchant.name }}", "&lt;b&gt;The Shop&lt;/b&gt;"),
        ("{% for x in lines %}{{ loop.index }}{{ x|upper }}{% endfor %}", "1ONE2TWO"),
        ("{% for f in facts %}{{ f.label }}={{ f.value }}{% endfor %}", "x=y"),
        ("{% if amount and not lines == [] %}{% endif %}", None),
        ("{{ amount or 'free' }}{{ lines|join(', ') }}{{ lines|length }}", "EUR 1one, two2"),
        ("{{ 'a' if amount else 'b' }}", "a"),
        ("{% if amount %}" * 38 + "x" + "{% endif %}" * 38, "x"),
    ],
)
def test_control_what_a_template_may_say_it_says(source: str, said: str | None) -> None:
    if said is None:
        with pytest.raises(TemplateRefused):
            check(source)
    else:
        assert fill(source, VALUES, html=True) == said


def test_a_long_value_can_not_make_a_mail_without_end() -> None:
    values = {"lines": ["x" * 5000] * 1000}
    with pytest.raises(TemplateRefused, match="at most 256000 characters"):
        fill("{% for x in lines %}{{ x }}{% endfor %}", values, html=False)


def test_what_comes_from_outside_stays_in_its_line_and_out_of_the_markup() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    merchant = Merchant(id="m", name="A<script>\r\nBcc: x@y.example", created_at=at, updated_at=at)
    values = {"item": "<img src=x>\r\n\r\nFor: nothing", "amount": price(1, 2, "EUR")}
    made = render(Wanted("completed", values), merchant, None)
    assert "\n" not in made.subject
    assert "\r" not in made.subject
    assert "<script>" not in made.html
    assert "<img src=x" not in made.html
    (line,) = [line for line in made.text.splitlines() if line.startswith("For:")]
    assert "nothing" in line


async def _put(mailing: Mailing, name: str, **parts: Any) -> Any:
    return await mailing.shop.admin("PUT", f"/mail/templates/{name}", json=parts)


async def test_a_merchants_own_words_go_out_until_they_are_reset(mailing: Mailing) -> None:
    own = {"subject": "Danke: {{ amount }}", "html": "<style>p{color:red}</style><p>{{ item }}</p>"}
    answer = await _put(mailing, "completed", **own)
    assert answer.status_code == 200, answer.text
    assert answer.json()["template"]["own"] == ["subject", "html"]
    await mailing.born()
    await mailing.bought()
    await mailing.settle()
    answer = await mailing.shop.admin("DELETE", "/mail/templates/completed")
    assert answer.json()["template"]["own"] == []
    await mailing.bought(userId="another")
    await mailing.settle()
    first, second = mailing.server.to(CUSTOMER)
    assert first["Subject"].replace("\xa0", " ") == "Danke: EUR 1,234.50"
    html = first.get_body(("html",))
    assert html is not None
    assert '<p style="color: red;">basic</p>' in html.get_content()
    assert second["Subject"].startswith("Your receipt from")
    acts = await mailing.shop.database["audit_log"].find({}).sort("_id", 1).to_list()
    kept = [(one["action"], one["detail"]) for one in acts if "template" in one["action"]]
    assert kept == [
        ("mail.template_set", {"subject": "changed", "html": "changed"}),
        ("mail.template_reset", {}),
    ]


async def test_a_template_that_does_too_much_is_refused_with_the_part_at_fault(
    mailing: Mailing,
) -> None:
    for parts in ({"html": "{{ merchant.__class__ }}"}, {"text": "{{ nobody }}"}):
        answer = await _put(mailing, "completed", **parts)
        assert (answer.status_code, answer.json()["error"]) == (400, "mail_template_refused")
    assert (await _put(mailing, "nothing", subject="x")).status_code == 404
    assert await mailing.shop.database["mail_templates"].count_documents({}) == 0


async def test_a_template_is_shown_with_examples_before_it_is_kept(mailing: Mailing) -> None:
    for name in TEMPLATES:
        path = f"/mail/templates/{name}/preview"
        answer = await mailing.shop.admin("POST", path)
        assert answer.status_code == 200, answer.text
        assert answer.json()["subject"]
    parts = {"subject": "{{ amount }} for {{ item }}"}
    answer = await mailing.shop.admin("POST", "/mail/templates/completed/preview", json=parts)
    assert answer.json()["subject"].replace("\xa0", " ") == "EUR 1,299.00 for One evening"
    assert await mailing.shop.database["mail_templates"].count_documents({}) == 0


async def test_an_own_template_that_fails_when_it_is_sent_is_replaced_by_the_premade(
    mailing: Mailing,
) -> None:
    await _put(mailing, "completed", subject="{{ amount }}")
    broken = {"$set": {"subject": "{{ of_an_older_version }}"}}
    await mailing.shop.database["mail_templates"].update_one({}, broken)
    await mailing.born()
    await mailing.bought()
    await mailing.settle()
    (mail,) = mailing.server.to(CUSTOMER)
    assert mail["Subject"].startswith("Your receipt from")
