"""Templates: nothing undefined, nothing unescaped, nothing invisible, compiled once."""

from datetime import UTC, datetime

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from service.dashboard.frame import PAGES

EVIL = "<script>alert('1\"&')</script>\u202e"


def login(**values: object) -> str:
    given = {"token": "t", "following": "/dashboard", "problem": None} | values
    return PAGES.show("login.html", **given).content


def test_what_is_shown_is_escaped_and_has_nothing_invisible_in_it() -> None:
    page = login(problem=EVIL, token=EVIL)
    assert EVIL not in page
    assert "<script>" not in page
    assert page.count("&lt;script&gt;alert(&#39;1&#34;&amp;&#39;)&lt;/script&gt;\\u202e") == 2


def test_nothing_is_shown_for_none_and_an_unknown_name_is_an_error() -> None:
    assert 'id="problem"></p>' in login()
    with pytest.raises(UndefinedError):
        PAGES.show("login.html", token="t")
    with pytest.raises(TemplateNotFound):
        PAGES.show("nowhere.html")


def test_a_template_is_compiled_once() -> None:
    environment = PAGES._templates
    first = environment.get_template("login.html")
    login()
    assert environment.get_template("login.html") is first


def test_every_template_of_a_room_compiles() -> None:
    names = PAGES._templates.list_templates()
    assert {"base.html", "frame.html", "login.html", "session.html"} <= set(names)
    for name in names:
        PAGES._templates.get_template(name)


def test_times_are_shown_to_the_millisecond() -> None:
    at = datetime(2026, 11, 21, 9, 8, 7, 6_999, tzinfo=UTC)
    shown = PAGES._templates.from_string("{{ at|time }}").render(at=at)
    assert shown == "09:08:07.006"
