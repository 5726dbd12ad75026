"""Templates that would take long, fill the memory or end the process are refused beforehand."""

from datetime import UTC, datetime

import pytest

from service.core.strict_json import JsonObject
from service.merchants.documents import Merchant
from service.notifications.mail.documents import MailTemplate
from service.notifications.mail.errors import TemplateRefused
from service.notifications.mail.operations.render import Rendered, Wanted, render, render_strictly
from service.notifications.mail.operations.templating import check, fill
from service.notifications.mail.operations.words import price, share

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SHOP = Merchant.unnamed("shop", NOW)
LONG = "x" * 60
TABLE = "<table>" + "<tr><td>{{ heading }}</td></tr>" * 100 + "</table>"
STYLE = "<style>td { color: red; padding: 4px }</style>"


def made_of(html: str) -> Rendered:
    own = MailTemplate(
        id="shop:completed", merchant_id="shop", template="completed", html=html, updated_at=NOW
    )
    check(html)
    return render_strictly(Wanted("completed", {}), SHOP, own)


@pytest.mark.parametrize(
    "source",
    [
        "{{ " + f"'{LONG}'" + f"|join('{LONG}')" * 5 + "|length }}",  # 60 ** 6 letters
        "{{ subject|join(subject)|join(subject)|join(subject)|length }}",
        "{{ lines|join(text) }}",
        "{% for a in subject %}{% for b in subject %}{{ a|upper }}{% endfor %}{% endfor %}",
        "{% for lines in rows %}{% for x in lines %}{{ x }}{% endfor %}{% endfor %}",
        "{% for row in rows %}{% for x in row.text %}{{ x }}{% endfor %}{% endfor %}",
        "{{ '" + "y" * 1_001 + "'|upper }}",
        "{{ " + "1" * 5_000 + " }}",
        "{{ subject }}" * 3_001,
        "{{ subject|title }}" * 300,
    ],
    ids=lambda source: source[:24],
)
def test_what_multiplies_texts_is_refused(source: str) -> None:
    values = {"subject": LONG, "text": "z" * 20_000, "lines": ["a", "b"], "rows": [{"text": LONG}]}
    with pytest.raises(TemplateRefused):
        fill(source, values, html=True)


def test_what_is_repeated_is_counted_by_the_lists_of_the_mail() -> None:
    pairs = "{% for a in facts %}{% for b in facts %}{{ a.value }}{% endfor %}{% endfor %}"
    few = fill(pairs, {"facts": [{"value": "x"}] * 50}, html=True)
    assert few == "x" * 2_500
    with pytest.raises(TemplateRefused, match="steps"):
        fill(pairs, {"facts": [{"value": "x"}] * 100}, html=True)


def test_lists_may_still_be_joined() -> None:
    values = {"lines": ["a", "<b>"], "facts": [{"label": "x"}, {"label": "y"}]}
    joined = fill("{{ lines|join('; ') }} {{ facts|join(', ', 'label') }}", values, html=True)
    assert joined == "a; &lt;b&gt; x, y"


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 2_001,  # at 14,000 the inliner ends the process
        "".join(f"<div><b id={one}></div>" for one in range(650)),  # 200,000 once it is read
        "<style>b { font-family: " + "a" * 30_000 + " }</style>" + "<b>x</b>" * 900,
        "<style>b { font-family: " + "a" * 20_000 + " }</style>" + "<b>x</b>" * 90,
    ],
    ids=["deep", "opened again", "styles", "long"],
)
def test_html_that_the_inliner_would_blow_up_is_refused_and_the_premade_goes_out(html: str) -> None:
    with pytest.raises(TemplateRefused):
        made_of(html)
    own = MailTemplate(
        id="shop:completed", merchant_id="shop", template="completed", html=html, updated_at=NOW
    )
    assert render(Wanted("completed", {}), SHOP, own).flaw is not None


def test_a_large_table_with_styles_is_none_of_these() -> None:
    made = made_of(STYLE + TABLE)
    assert made.html.count('<td style="color: red') == 100


def test_a_summary_of_all_currencies_is_none_of_these() -> None:
    amount = price(1, 2, "EUR")
    row: JsonObject = {"refunded": amount, "lost": amount, "revenue": amount, "netRevenue": amount}
    row |= {"currency": "EUR", "sessions": 1, "completed": 1, "conversionRate": share(100.0)}
    row |= {"successful": 1, "failed": 1}
    made = render_strictly(Wanted("weekly_summary", {"rows": [row] * 180}), SHOP, None)
    assert made.text.count("EUR") >= 180
