"""Settings that a service could be robbed by: each is refused, and named by `doctor` as well."""

import secrets
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from service.cli.commands import doctor
from service.cli.main import cli
from service.production import addresses, database, problems, providers, proxies, secrecy
from service.production.hosts import is_loopback
from service.production.secrecy import is_varied
from tests.cli.careless import CARELESS
from tests.cli.test_production import JWT, READY, refused

# Copied from one line to the other, since both begin with sk_.
LIKE_STRIPE = "sk_live_51NqYr7Kd0PzV3mXw8TbUcG2hLs6Ja"
MONGO = "mongodb://tillgate:p0Qd8xR2vT@db.example/?replicaSet=rs0"
LOOPBACK = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.000.000.001",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "0",
    "0.0.0.0",  # noqa: S104 - refused, not bound
    "[::]",
    "localhost",
    "LOCALHOST.",
    "api.localhost",
    "localhost.localdomain",
    "１２７.0.0.1",
    "127。0。0。1",
    "%31%32%37.0.0.1",
]
WEAK: list[tuple[dict[str, str | None], str, str]] = [
    ({"PII_PEPPER": "a" * 16}, "PII_PEPPER", "fewer than 32"),
    ({"PII_PEPPER": "a" * 64}, "PII_PEPPER", "can be guessed"),
    ({"PII_PEPPER": "0123456789abcdef" * 2}, "PII_PEPPER", "can be guessed"),
    ({"PII_PEPPER": "k3J9xQ2mZw7" * 4}, "PII_PEPPER", "can be guessed"),
    ({"JWT_SECRET": "abcdefghijklmnopqrstuvwxyz0123456"}, "JWT_SECRET", "can be guessed"),
    ({"PII_PEPPER": f"2026b:{READY['PII_PEPPER']},2026a:{'a' * 40}"}, "PII_PEPPER", "be guessed"),
    ({"JWT_SECRET": JWT[:31]}, "JWT_SECRET", "31 characters, fewer than 32"),
    ({"API_SECRET_KEYS": "shop:sk_9f2ab7c41e6d8350f7a94"}, "API_SECRET_KEYS", "fewer than 32"),
    ({"API_ADMIN_KEYS": f"ops:ak_{'x' * 40}"}, "API_ADMIN_KEYS", "can be guessed"),
    ({"API_PUBLISHABLE_KEYS": "web:pk_0123456789abcdef"}, "API_PUBLISHABLE_KEYS", "fewer than"),
    ({"API_JOBS_KEYS": f"{READY['API_JOBS_KEYS']},jk_short_but_17_"}, "API_JOBS_KEYS", "fewer"),
    ({"STRIPE_WEBHOOK_SECRET": "w" * 32}, "STRIPE_WEBHOOK_SECRET", "over and over"),
    ({"JWT_SECRET": READY["PII_PEPPER"]}, "JWT_SECRET", "same secret as PII_PEPPER"),
    *[
        ({variable: f"{begins}{'ab' * 12}"}, variable, "over and over")
        for variable, begins in (
            ("STRIPE_WEBHOOK_SECRET", "whsec_"),
            ("STRIPE_SECRET_KEY", "sk_live_"),
            ("STRIPE_SECRET_KEY", "rk_test_"),
        )
    ],
    ({"STRIPE_WEBHOOK_SECRET": READY["PII_PEPPER"]}, "STRIPE_WEBHOOK_SECRET", "same secret as PII"),
    (
        {"API_ADMIN_KEYS": f"ops:ak_{READY['API_SECRET_KEYS'].rpartition('_')[2]}"},
        "API_ADMIN_KEYS",
        "same secret as API_SECRET_KEYS",
    ),
    ({"API_JOBS_KEYS": f"jk_{READY['PII_PEPPER']}"}, "PII_PEPPER", "same secret as API_JOBS_KEYS"),
    (
        {"STRIPE_WEBHOOK_SECRET": ",".join([READY["STRIPE_WEBHOOK_SECRET"]] * 2)},
        "STRIPE_WEBHOOK_SECRET",
        "twice",
    ),
    ({"REDIS_URL": f"rediss://:{READY['PII_PEPPER']}@r.example"}, "REDIS_URL", "same secret as"),
    (
        {"REDIS_URL": f"rediss://:{READY['API_ADMIN_KEYS']}@r.example"},
        "REDIS_URL",
        "same secret as API_ADMIN_KEYS",
    ),
    (
        {"API_SECRET_KEYS": f"shop:{LIKE_STRIPE}", "STRIPE_SECRET_KEY": LIKE_STRIPE},
        "STRIPE_SECRET_KEY",
        "same secret as API_SECRET_KEYS",
    ),
    *[
        ({"TRUSTED_PROXIES": wide}, "TRUSTED_PROXIES", "is too wide")
        for wide in (
            "0.0.0.0/0",
            "::/0",
            "10.0.0.1,0.0.0.0/1,128.0.0.0/1",
            "8.0.0.0/7",
            "2000::/3",
            "::ffff:0:0/96",
            "::ffff:0.0.0.0/100",
        )
    ],
    ({"TRUSTED_PROXIES": None}, "TRUSTED_PROXIES", "share one rate limit"),
    ({"RATE_LIMIT_PER_KEY": "0"}, "RATE_LIMIT_PER_KEY", "is no limit"),
    ({"RATE_LIMIT_PER_ADDRESS": "0"}, "RATE_LIMIT_PER_ADDRESS", "is no limit"),
    *[
        ({"STRIPE_API_BASE": f"https://{host}:8443"}, "STRIPE_API_BASE", "on this machine")
        for host in LOOPBACK
    ],
    ({"PHONEPE_AUTH_BASE": "https://0x7f.1/oauth"}, "PHONEPE_AUTH_BASE", "on this machine"),
    ({"RAZORPAY_API_BASE": "http://api.razorpay.com"}, "RAZORPAY_API_BASE", "is not https"),
    ({"RAZORPAY_API_BASE": "https://10.0.0.9"}, "RAZORPAY_API_BASE", "is a number"),
    ({"RAZORPAY_API_BASE": "https://167772169"}, "RAZORPAY_API_BASE", "is a number"),
    ({"PHONEPE_API_BASE": "https://fake/apis/pg"}, "PHONEPE_API_BASE", "no public name"),
    ({"MONGODB_URI": MONGO}, "MONGODB_URI", "without TLS"),
    ({"MONGODB_URI": f"{MONGO}&tls=false"}, "MONGODB_URI", "without TLS"),
    ({"MONGODB_URI": f"{MONGO}&tls=true&ssl=false"}, "MONGODB_URI", "without TLS"),
    (
        {"MONGODB_URI": "mongodb+srv://u:p0Qd8xR2vT@db.example/?tls=false"},
        "MONGODB_URI",
        "without TLS",
    ),
    ({"MONGODB_URI": "mongodb://db.example/?tls=true"}, "MONGODB_URI", "without a password"),
    ({"MONGODB_URI": "mongodb://user@db.example/?tls=true"}, "MONGODB_URI", "without a password"),
    ({"MONGODB_URI": "mongodb://localhost,db.example/?replicaSet=rs0"}, "MONGODB_URI", "TLS"),
    *[
        ({"MONGODB_URI": f"{MONGO}&tls=true&{unchecked}=true"}, "MONGODB_URI", "could pose as")
        for unchecked in (
            "tlsInsecure",
            "tlsAllowInvalidCertificates",
            "TLSALLOWINVALIDHOSTNAMES",
        )
    ],
    (
        {"MONGODB_URI": "mongodb://127.0.0.1/?tls=true&tlsInsecure=true"},
        "MONGODB_URI",
        "could pose as",
    ),
]


@pytest.mark.parametrize(("changes", "variable", "says"), WEAK)
def test_what_is_weak_is_refused_with_what_to_change(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None], variable: str, says: str
) -> None:
    found = refused(monkeypatch, **{"JWT_ISSUER": "i", "JWT_AUDIENCE": "a", **changes})
    assert set(found) == {variable}
    assert says in found[variable]


@pytest.mark.parametrize(
    "uri",
    [
        f"{MONGO}&tls=true",
        "mongodb+srv://u:p0Qd8xR2vT@db.example/?replicaSet=rs0",
        "mongodb://db.example/?tls=true&authMechanism=MONGODB-X509",
        "mongodb://127.0.0.1:27017,[::1]:27018,localhost/?replicaSet=rs0",
        "mongodb://%2Ftmp%2Fmongodb-27017.sock",
    ],
)
def test_a_database_over_tls_with_a_password_or_on_this_machine_is_taken(
    monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    assert refused(monkeypatch, MONGODB_URI=uri) == {}


def test_a_plain_database_takes_a_consent_that_names_every_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = {"MONGODB_URI": "mongodb://mongo:27017,mongo2/?replicaSet=rs0"}
    assert "MONGODB_URI" in refused(monkeypatch, **plain, MONGODB_PLAIN_HOSTS="mongo")
    assert refused(monkeypatch, **plain, MONGODB_PLAIN_HOSTS="mongo, mongo2") == {}
    unchecked = {"MONGODB_URI": "mongodb://mongo/?tls=true&tlsInsecure=true"}
    assert "MONGODB_URI" in refused(monkeypatch, **unchecked)


@pytest.mark.parametrize(
    "proxies", ["10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7", "104.16.0.0/13", "10.1.2.3"]
)
def test_the_networks_that_somebody_owns_are_trusted(
    monkeypatch: pytest.MonkeyPatch, proxies: str
) -> None:
    assert refused(monkeypatch, TRUSTED_PROXIES=proxies) == {}


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("refusals", [WEAK, CARELESS])
def test_doctor_names_each_refusal_of_serve(
    monkeypatch: pytest.MonkeyPatch, refusals: list[tuple[dict[str, str | None], str, str]]
) -> None:
    monkeypatch.setattr(doctor, "quiet_logging", lambda settings: None)  # this process goes on
    weak: dict[str, str | None] = {}
    for changes, _, _ in refusals[::-1]:
        weak |= {name: value for name, value in changes.items() if name not in weak}
    env = READY | {name: value or "" for name, value in weak.items()}
    lines = CliRunner().invoke(cli, ["serve"], env=env).stderr.splitlines()
    told = [line.strip() for line in lines if line.startswith("  ")]
    done = CliRunner().invoke(cli, ["doctor"], env=env | {"MONGODB_URI": ""})
    said = done.stdout
    assert len(told) > 10
    assert said, repr(done.exception)
    for line in told:
        variable, _, message = line.partition(" ")
        assert variable == "MONGODB_URI" or f"{variable}: {message}" in said


@given(st.integers(0, 2**128 - 1))
def test_what_openssl_makes_is_varied_enough(drawn: int) -> None:
    # Drawn by hypothesis the number may be plain: its digest is not.
    assert is_varied(secrets.token_hex(16))
    assert not is_varied(f"{drawn % 16:x}" * 32)


def test_the_control_without_the_guards_each_of_them_is_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(secrecy, "_own", lambda secret: None)
    monkeypatch.setattr(secrecy, "_of_others", lambda secret: None)
    monkeypatch.setattr(secrecy, "_passwords", lambda settings: {})
    monkeypatch.setattr(providers, "_misplaced", lambda *_: iter(()))
    monkeypatch.setattr(providers, "_test_modes", lambda *_: iter(()))
    monkeypatch.setattr(proxies, "_too_wide", lambda networks: False)
    monkeypatch.setattr(addresses, "_no_base", lambda base: None)
    monkeypatch.setattr(addresses, "_limits", lambda web: iter(()))
    monkeypatch.setattr(database, "_is_here", lambda host: True)
    monkeypatch.setattr(database, "_UNCHECKED", ())
    monkeypatch.setattr(problems, "repeated_secrets", lambda settings: iter(()))
    for changes, variable, _ in WEAK:
        with pytest.MonkeyPatch.context() as own:
            found = refused(own, **{"JWT_ISSUER": "i", "JWT_AUDIENCE": "a", **changes})
        assert found == {}, variable


def test_a_host_that_is_elsewhere_is_not_taken_for_this_machine() -> None:
    for host in ("128.0.0.1", "api.stripe.com", "[2001:db8::1]", "localhost.example", "1270.0.0.1"):
        assert not is_loopback(f"https://{host}")


def test_the_page_about_configuration_names_every_variable_that_is_refused() -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
    refusable = {variable for _, variable, _ in WEAK + CARELESS} | READY.keys()
    unnamed = {name for name in refusable if f"`{name}`" not in page}
    by_family = {name for name in unnamed if name.startswith("API_") and "`API_*_KEYS`" in page}
    assert unnamed - by_family <= {"STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"}  # "a provider's"
