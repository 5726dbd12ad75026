"""Who is signed in at the shop: what the cookie and the token carry, without a browser."""

import re
from datetime import timedelta

import jwt
import pytest
from litestar.testing import RequestFactory

from service.core.clock import ManualClock
from service.settings import Settings
from tests.conftest import NOON
from tests.support.settings import JWT_SECRET, make_settings
from tillgate_sandbox.shop.members import COOKIE, NoTokens, cookie_of, known_or_new, sign_in

SECRET = "0123456789abcdef" * 2
_LOGIN = {"JWT_ISSUER": "https://shop.example", "JWT_AUDIENCE": "tillgate"}


def _kept(sent: str | None) -> str:
    """Return as whom a browser is known that sends this cookie."""
    headers = {} if sent is None else {"Cookie": f"{COOKIE}={sent}"}
    return known_or_new(RequestFactory().get("/shop/membership", headers=headers))


def _claims(settings: Settings, secret: str = SECRET) -> dict[str, object]:
    token = sign_in(secret, settings, ManualClock(NOON)).token
    checks = {"verify_aud": False, "verify_exp": False}
    found: dict[str, object] = jwt.decode(token, JWT_SECRET, ["HS256"], options=checks)
    return found


def test_a_cookie_of_ours_is_kept_and_any_other_makes_a_new_customer() -> None:
    assert _kept(SECRET) == SECRET
    longer, shorter, foreign = SECRET + "0", SECRET[1:], SECRET[:-1] + "g"
    sent = [None, "", longer, f"0{SECRET}", shorter, foreign, SECRET.upper(), "member_1"]
    new = [_kept(one) for one in sent]
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in new)
    assert len({*new, SECRET}) == len(sent) + 1


@pytest.mark.parametrize(("home", "secure"), [("https://shop.example", True), ("", False)])
def test_the_cookie_is_seen_by_no_script_and_sent_to_the_shop_alone(
    home: str, secure: bool
) -> None:
    cookie = cookie_of(SECRET, make_settings(PUBLIC_URL=home) if home else make_settings())
    assert (cookie.key, cookie.value) == (COOKIE, SECRET)
    assert (cookie.httponly, cookie.samesite, cookie.path) == (True, "lax", "/shop")
    assert cookie.secure is secure
    assert cookie.domain is None
    assert cookie.max_age == timedelta(days=180).total_seconds()


def test_a_customer_s_id_is_the_same_each_time_and_tells_nothing_of_the_cookie() -> None:
    settings, clock = make_settings(), ManualClock(NOON)
    first, again = (sign_in(SECRET, settings, clock).user_id for _ in range(2))
    assert first == again
    assert re.fullmatch("member_[0-9a-f]{24}", first)
    parts = {SECRET[at : at + 6] for at in range(len(SECRET) - 5)}
    assert not any(part in first for part in parts)
    # One that differs in its end alone is somebody else.
    assert sign_in(f"{SECRET[:-1]}0", settings, clock).user_id != first


def test_the_token_is_of_the_customer_for_a_quarter_of_an_hour() -> None:
    settings = make_settings()
    member = sign_in(SECRET, settings, ManualClock(NOON))
    ends = NOON + timedelta(minutes=15)
    assert member.expires_at == ends
    assert _claims(settings) == {"sub": member.user_id, "exp": int(ends.timestamp())}


def test_the_token_names_the_issuer_and_the_audience_that_the_service_asks_for() -> None:
    claims = _claims(make_settings(**_LOGIN))
    assert (claims["iss"], claims["aud"]) == ("https://shop.example", "tillgate")
    for name, claim in (("JWT_ISSUER", "iss"), ("JWT_AUDIENCE", "aud")):
        alone = _claims(make_settings(**{name: "one"}))
        assert {"iss", "aud"} & {*alone} == {claim}


def test_a_service_that_takes_no_tokens_of_ours_signs_nobody_in() -> None:
    with pytest.raises(NoTokens, match="JWT_SECRET"):
        sign_in(SECRET, make_settings(JWT_SECRET=""), ManualClock(NOON))
