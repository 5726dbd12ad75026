"""What a careless operator sets in production is refused, with what to set in its place."""

from pathlib import Path

import pytest

from service.production import addresses, problems, providers, proxies, redis
from service.settings import read_settings
from tests.cli.careless import ACCEPTED, CARELESS, UNREADABLE
from tests.cli.test_production import refused


@pytest.mark.parametrize(("changes", "variable", "says"), CARELESS)
def test_what_is_careless_is_refused_with_what_to_change(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None], variable: str, says: str
) -> None:
    found = refused(monkeypatch, **{"JWT_ISSUER": "i", "JWT_AUDIENCE": "a", **changes})
    assert set(found) == {variable}
    assert says in found[variable]


@pytest.mark.parametrize("changes", ACCEPTED)
def test_what_is_sound_or_consented_to_is_taken(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None]
) -> None:
    assert refused(monkeypatch, **changes) == {}


@pytest.mark.parametrize(("variable", "value"), UNREADABLE)
def test_what_can_not_be_meant_is_refused_everywhere_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    _, unreadable = read_settings((Path("/nowhere/.env"),))
    (problem,) = unreadable
    assert problem.field == variable
    assert "hidden" not in problem.message


def test_a_consent_holds_for_no_other_host_and_no_other_provider(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = {"REDIS_URL": "redis://redis.elsewhere", "REDIS_PLAIN_HOSTS": "redis"}
    assert set(refused(monkeypatch, **plain)) == {"REDIS_URL"}
    test_mode = {"STRIPE_SECRET_KEY": "sk_test_Yq4Lw8sV2nXr6Tb0", "TEST_MODE_PROVIDERS": "razorpay"}
    assert set(refused(monkeypatch, REDIS_URL=None, **test_mode)) == {"STRIPE_SECRET_KEY"}


def test_the_control_without_the_guards_each_of_them_is_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module, guard in (
        (addresses, "_home"),
        (addresses, "_limits"),
        (problems, "resource_problems"),
        (problems, "key_set_problems"),
        (problems, "weak_passwords"),
        (problems, "weak_secrets"),
        (problems, "webhook_problems"),
        (providers, "_misplaced"),
        (providers, "_test_modes"),
    ):
        monkeypatch.setattr(module, guard, lambda *_: iter(()))
    monkeypatch.setattr(proxies, "_too_wide", lambda networks: False)
    monkeypatch.setattr(redis, "_plain", lambda address, options: iter(()))
    monkeypatch.setattr(redis, "_is_unchecked", lambda options: False)
    guarded_elsewhere = {"CORS_ORIGINS", "UPI_PAYEE_ADDRESS"}
    served = 0
    for changes, variable, says in CARELESS:
        if variable in guarded_elsewhere or says == "takes redis://":
            continue
        with pytest.MonkeyPatch.context() as own:
            found = refused(own, **{"JWT_ISSUER": "i", "JWT_AUDIENCE": "a", **changes})
        assert found == {}, variable
        served += 1
    assert served > 30
