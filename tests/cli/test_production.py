"""What `tillgate serve` refuses."""

from pathlib import Path

import pytest

from service.production.problems import problems
from service.settings import read_settings

READY = {
    "ENVIRONMENT": "production",
    "MONGODB_URI": "mongodb://tillgate:p0Qd8xR2vT@db.example/?replicaSet=rs0&tls=true",
    "PUBLIC_URL": "https://pay.shop.example",
    "TRUSTED_PROXIES": "10.42.0.0/16",
    "API_SECRET_KEYS": "shop:sk_9f2ab7c41e6d8350f7a94c1be20d6538",
    "API_ADMIN_KEYS": "ak_3c8e51d0fa6b7294e1d3a80f5b2c6947",
    "API_JOBS_KEYS": "jk_70b4e9a2cd158f36b09d7e41a5f2c863",
    "PII_PEPPER": "e81b5f07a3cd4926d07f3a5c9b12e864",
    "STRIPE_SECRET_KEY": "sk_live_Zk3P0qW8sLm2Vx7R",
    "STRIPE_WEBHOOK_SECRET": "whsec_Hq4Lw8sV2nXr6Tb0",
}
PHONEPE = {
    "PHONEPE_CLIENT_ID": "client",
    "PHONEPE_CLIENT_SECRET": "secret-0123456789abcdef",
    "PHONEPE_WEBHOOK_USERNAME": "tillgate",
    "PHONEPE_WEBHOOK_PASSWORD": "password-9",
}
JWT = "5d1e8f39c7a04b62e9f13d7a60c2b854"


def refused(monkeypatch: pytest.MonkeyPatch, **changes: str | None) -> dict[str, str]:
    """Return what is refused, by variable; a change to None takes a variable away."""
    for name, value in (READY | changes).items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    settings, unreadable = read_settings((Path("/nowhere/.env"),))
    assert not unreadable
    return {problem.field: problem.message for problem in problems(settings)}


def test_a_complete_production_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(monkeypatch) == {}
    assert refused(monkeypatch, **PHONEPE) == {}


@pytest.mark.parametrize(
    ("changes", "variable", "says"),
    [
        ({"MONGODB_URI": None}, "MONGODB_URI", "is missing"),
        ({"PUBLIC_URL": None}, "PUBLIC_URL", "is missing"),
        ({"PUBLIC_URL": "http://pay.shop.example"}, "PUBLIC_URL", "is not https"),
        ({"PUBLIC_URL": "http://localhost.shop.example"}, "PUBLIC_URL", "is not https"),
        ({"CORS_ORIGINS": "https://shop.example,*"}, "CORS_ORIGINS", "holds a *"),
        ({"CORS_ORIGINS": "https://shop.example/pay"}, "CORS_ORIGINS", "takes origins"),
        ({"TRUSTED_PROXIES": "10.0.0.0/8,proxy"}, "TRUSTED_PROXIES", "takes addresses"),
        ({"REDIS_URL": "http://redis"}, "REDIS_URL", "takes redis://"),
        ({"API_SECRET_KEYS": None}, "API_SECRET_KEYS", "is missing"),
        ({"API_ADMIN_KEYS": None}, "API_ADMIN_KEYS", "is missing"),
        ({"API_JOBS_KEYS": None}, "API_JOBS_KEYS", "is missing"),
        (
            {"API_JOBS_KEYS": "sk_c2f7a91d5e803b64c7d9e1a2f05b8436"},
            "API_JOBS_KEYS",
            "begin with jk_",
        ),
        (
            {"API_ADMIN_KEYS": "ops:ak_dev_6e1f0d3b92c75a84e0b7d193"},
            "API_ADMIN_KEYS",
            "was generated",
        ),
        ({"PII_PEPPER": None}, "PII_PEPPER", "is missing"),
        ({"JWT_SECRET": JWT}, "JWT_ISSUER", "is missing"),
        ({"JWT_SECRET": JWT}, "JWT_AUDIENCE", "is missing"),
        ({"JWT_JWKS_URL": "http://id.example/keys"}, "JWT_JWKS_URL", "is not https"),
        (
            {"JWT_SECRET": JWT, "JWT_JWKS_URL": "https://id.example/keys"},
            "JWT_SECRET",
            "are both set",
        ),
        ({"STRIPE_WEBHOOK_SECRET": None}, "STRIPE_WEBHOOK_SECRET", "STRIPE_SECRET_KEY is set"),
        ({"STRIPE_SECRET_KEY": None}, "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET is set"),
        (
            {"STRIPE_SECRET_KEY": None, "STRIPE_WEBHOOK_SECRET": None},
            "STRIPE_SECRET_KEY",
            "nobody can pay",
        ),
        ({"STRIPE_API_BASE": "http://127.0.0.1:9"}, "STRIPE_API_BASE", "is on this machine"),
        ({"STRIPE_API_BASE": "http://[::1]:9"}, "STRIPE_API_BASE", "is on this machine"),
        ({"RAZORPAY_API_BASE": "http://api.example"}, "RAZORPAY_API_BASE", "is not https"),
        ({"RAZORPAY_KEY_ID": "rzp_live_1"}, "RAZORPAY_KEY_SECRET", "is missing"),
        ({"RAZORPAY_KEY_ID": "rzp_live_1"}, "RAZORPAY_WEBHOOK_SECRET", "is missing"),
        (PHONEPE | {"PHONEPE_CLIENT_SECRET": None}, "PHONEPE_CLIENT_SECRET", "is missing"),
        (PHONEPE | {"PHONEPE_WEBHOOK_PASSWORD": None}, "PHONEPE_WEBHOOK_PASSWORD", "is missing"),
        (PHONEPE | {"PHONEPE_WEBHOOK_USERNAME": None}, "PHONEPE_WEBHOOK_USERNAME", "is missing"),
        (
            {"PHONEPE_WEBHOOK_USERNAME": "u", "PHONEPE_WEBHOOK_PASSWORD": "password-9"},
            "PHONEPE_CLIENT_ID",
            "status API",
        ),
        ({"PHONEPE_SALT_KEY": "salt-0123456789abcdef"}, "PHONEPE_MERCHANT_ID", "is missing"),
        ({"UPI_PAYEE_ADDRESS": "shop@bank"}, "UPI_PAYEE_NAME", "is missing"),
    ],
)
def test_what_is_missing_or_weak_is_named(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None], variable: str, says: str
) -> None:
    found = refused(monkeypatch, **changes)
    assert says in found[variable]


def test_no_value_is_ever_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {name: f"{value}_dev_hidden" for name, value in READY.items() if "KEY" in name}
    found = refused(monkeypatch, **secrets)
    assert len(found) == len(secrets)
    assert "hidden" not in str(found)


def test_a_plain_address_is_enough_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    at_home = {"PUBLIC_URL": "http://localhost:8000", "TRUSTED_PROXIES": None}
    assert refused(monkeypatch, **at_home) == {}
