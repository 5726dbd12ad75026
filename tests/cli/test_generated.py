"""The keys and secrets that `tillgate dev` generates."""

import stat
from pathlib import Path

import pytest

from service.cli.development.generated import GENERATED, generate
from service.cli.settings import development_env, note_address, settings_of
from service.core.clock import SystemClock
from service.production.problems import problems
from service.production.secrecy import DEVELOPMENT_MARK
from service.providers.stripe.settings import StripeSettings
from service.settings import variables
from service.web.keys.issuing import PREFIXES
from service.web.keys.tokens import token_reader

NOTHING: frozenset[str] = frozenset()


def test_only_the_owner_reads_them(bare: Path) -> None:
    path = development_env(bare)
    assert generate(path, but=NOTHING)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_there_is_never_overwritten_and_what_is_missing_is_added(
    bare: Path,
) -> None:
    path = development_env(bare)
    path.write_text('API_SECRET_KEYS="sk_dev_mine_0123456789"\n')
    assert not generate(path, but=NOTHING)
    once = path.read_text()
    assert not generate(path, but=NOTHING)
    assert path.read_text() == once
    assert once.count("API_SECRET_KEYS=") == 1
    assert settings_of(bare).access.secret_keys == ("sk_dev_mine_0123456789",)


def test_two_directories_never_share_a_secret(bare: Path) -> None:
    one, other = bare / "one", bare / "other"
    generate(one, but=NOTHING)
    generate(other, but=NOTHING)
    alike = set(one.read_text().splitlines()) & set(other.read_text().splitlines())
    named = {line.partition("=")[0] for line in alike if not line.startswith("#")}
    assert named == {
        "PHONEPE_WEBHOOK_USERNAME",
        "PHONEPE_SALT_INDEX",
        "UPI_PAYEE_ADDRESS",
        "UPI_PAYEE_NAME",
    }


def test_they_are_all_that_development_needs(bare: Path) -> None:
    assert set(GENERATED) <= set(variables())
    generate(development_env(bare), but=NOTHING)
    settings = settings_of(bare)
    access = settings.access
    keys = (access.publishable_keys, access.secret_keys, access.admin_keys, access.jobs_keys)
    for (key,), prefix in zip(keys, PREFIXES.values(), strict=True):
        assert key.startswith(prefix)
    refused = {problem.field for problem in problems(settings)}
    assert refused - set(GENERATED) == {
        "MONGODB_URI",
        "PUBLIC_URL",
        "JWT_ISSUER",
        "JWT_AUDIENCE",
        # Not made up: it would send the callbacks of whoever brings real keys to review.
        "PHONEPE_MERCHANT_ID",
    }


def test_production_refuses_each_secret_of_them(bare: Path) -> None:
    generate(development_env(bare), but=NOTHING)
    told = problems(settings_of(bare))
    refused = {problem.field for problem in told if "was generated" in problem.message}
    not_secret = {"PHONEPE_SALT_INDEX", "UPI_PAYEE_NAME"}
    assert refused == set(GENERATED) - not_secret
    assert all(DEVELOPMENT_MARK in GENERATED[name]() for name in refused)


def test_a_variable_that_is_set_wins(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate(development_env(bare), but=NOTHING)
    (bare / ".env").write_text(
        "STRIPE_WEBHOOK_SECRET=whsec_of_the_file_01\nPII_PEPPER=pepper_of_the_file\n"
    )
    monkeypatch.setenv("PII_PEPPER", "pepper_of_the_environment")
    settings = settings_of(bare)
    assert settings.of(StripeSettings).webhook_secrets == ("whsec_of_the_file_01",)
    assert settings.access.pii_pepper == "pepper_of_the_environment"


def test_a_key_set_takes_the_place_of_the_generated_token_secret(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(development_env(bare), but=NOTHING)
    assert settings_of(bare).access.jwt_secret is not None
    monkeypatch.setenv("JWT_JWKS_URL", "https://id.example/keys")
    access = settings_of(bare).access
    assert access.jwt_secret is None
    token_reader(access, SystemClock())  # refuses two


def test_production_does_not_look_at_them(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate(development_env(bare), but=NOTHING)
    monkeypatch.setenv("ENVIRONMENT", "production")
    assert settings_of(bare).access.secret_keys == ()


def test_links_of_commands_lead_to_where_the_server_is_unless_the_address_is_set(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(development_env(bare), but=NOTHING)
    assert "public_url" not in settings_of(bare).web.model_fields_set
    note_address(bare, "http://127.0.0.1:9000")
    assert settings_of(bare).web.public_url == "http://127.0.0.1:9000"
    monkeypatch.setenv("PUBLIC_URL", "http://shop.localhost:9001")
    assert settings_of(bare).web.public_url == "http://shop.localhost:9001"
