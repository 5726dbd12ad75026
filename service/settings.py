"""The settings: one object of groups, read from the environment, then from files of variables.

A blank variable is an unset one. A secret that is set but weak is refused wherever it is read;
what production needs besides is listed by `production.problems`.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from service.core.connections import ConnectionSettings
from service.core.errors import FieldProblem, Misconfigured
from service.core.peppers import Pepper, read_pepper
from service.core.variables import (
    Address,
    Currency,
    FieldNames,
    Group,
    Keys,
    Password,
    Peppers,
    Secret,
    Secrets,
    Words,
    nullable,
)


class DatabaseSettings(Group):
    """Where the documents live."""

    uri: str | None = Field(None, validation_alias="MONGODB_URI")
    """A replica set's address. Unset in development: an embedded server is started."""
    name: str = Field("tillgate", validation_alias="MONGODB_DATABASE")
    """The database's name."""
    plain_hosts: Words = Field((), validation_alias="MONGODB_PLAIN_HOSTS")
    """Hosts that may be reached without TLS or password, since nobody else is on their network."""


class WebSettings(Group):
    """How the service is reached."""

    environment: Literal["development", "production"] = Field(
        "development", validation_alias="ENVIRONMENT"
    )
    """`production` refuses weak settings and has no sandbox."""
    public_url: Address = Field("http://127.0.0.1:8000", validation_alias="PUBLIC_URL")
    """The address under which customers and providers reach the service."""
    cors_origins: Words = Field((), validation_alias="CORS_ORIGINS")
    """Origins of the frontends, comma list; `*` only in development."""
    trusted_proxies: Words = Field((), validation_alias="TRUSTED_PROXIES")
    """Addresses or networks whose X-Forwarded-For is believed, comma list; none wider than a /8."""
    redis_url: str | None = Field(None, validation_alias="REDIS_URL")
    """Where rate limits are counted; unset: in each process's memory."""
    rate_limit_per_key: int = Field(6000, ge=0, validation_alias="RATE_LIMIT_PER_KEY")
    """Requests a minute for one key (a publishable key: for one key and address); 0 = off, which
    production refuses."""
    rate_limit_per_address: int = Field(3000, ge=0, validation_alias="RATE_LIMIT_PER_ADDRESS")
    """Requests a minute for one address; 0 = off, which production refuses. Signed webhooks are
    never limited."""


class AccessSettings(Group):
    """Who may call."""

    publishable_keys: Keys = Field((), validation_alias="API_PUBLISHABLE_KEYS")
    """`pk_…` for browsers, comma list; an entry may carry a name: `web:pk_…`."""
    secret_keys: Keys = Field((), validation_alias="API_SECRET_KEYS")
    """`sk_…` for the merchant's servers, comma list."""
    admin_keys: Keys = Field((), validation_alias="API_ADMIN_KEYS")
    """`ak_…` for people who operate the service, comma list."""
    jobs_keys: Keys = Field((), validation_alias="API_JOBS_KEYS")
    """`jk_…` for the CronJobs, comma list."""
    jwt_secret: Secret | None = Field(None, validation_alias="JWT_SECRET")
    """HS256 secret of the end users' tokens. This or JWT_JWKS_URL, not both."""
    jwt_jwks_url: Address | None = Field(None, validation_alias="JWT_JWKS_URL")
    """Address of the identity provider's key set."""
    jwt_issuer: str | None = Field(None, validation_alias="JWT_ISSUER")
    """The `iss` that a token must carry."""
    jwt_audience: str | None = Field(None, validation_alias="JWT_AUDIENCE")
    """The `aud` that a token must carry."""
    jwt_max_hours: float = Field(24, gt=0, le=720, validation_alias="JWT_MAX_HOURS")
    """Longest life of a token, from its `iat` or, without one, from now to its `exp`."""
    pii_peppers: Peppers = Field((), validation_alias="PII_PEPPER")
    """Secret under which client secrets, stored answers and hashed addresses are derived; while it
    is rotated a comma list of `id:secret`, the newest first."""

    @property
    def peppers(self) -> tuple[Pepper, ...]:
        """Return the peppers: the first makes, all of them check."""
        return tuple(map(read_pepper, self.pii_peppers))

    @property
    def pii_pepper(self) -> str | None:
        """Return the newest pepper, under which everything is made."""
        return self.peppers[0].secret if self.pii_peppers else None


class StripeSettings(Group):
    """Stripe (https://docs.stripe.com/keys)."""

    secret_key: Secret | None = Field(None, validation_alias="STRIPE_SECRET_KEY")
    """`sk_test_…` or `sk_live_…`."""
    publishable_key: str | None = Field(None, validation_alias="STRIPE_PUBLISHABLE_KEY")
    """`pk_test_…`, handed to frontends."""
    webhook_secrets: Secrets = Field((), validation_alias="STRIPE_WEBHOOK_SECRET")
    """`whsec_…`, comma list while a secret is rolled."""
    price_basic: str | None = Field(None, validation_alias="STRIPE_PRICE_BASIC")
    """Stripe price of the plan `basic`, for subscriptions."""
    price_premium: str | None = Field(None, validation_alias="STRIPE_PRICE_PREMIUM")
    """Stripe price of the plan `premium`, for subscriptions."""
    api_base: Address = Field("https://api.stripe.com", validation_alias="STRIPE_API_BASE")
    """Stripe's address; another one lets a fake stand in."""


class RazorpaySettings(Group):
    """Razorpay (https://razorpay.com/docs/api/authentication)."""

    key_id: str | None = Field(None, validation_alias="RAZORPAY_KEY_ID")
    """`rzp_test_…` or `rzp_live_…`."""
    key_secret: Secret | None = Field(None, validation_alias="RAZORPAY_KEY_SECRET")
    """Secret of the key; it also signs checkout callbacks."""
    webhook_secrets: Secrets = Field((), validation_alias="RAZORPAY_WEBHOOK_SECRET")
    """Webhook secret, comma list while it is rolled."""
    api_base: Address = Field("https://api.razorpay.com", validation_alias="RAZORPAY_API_BASE")
    """Razorpay's address; another one lets a fake stand in."""


class PhonePeSettings(Group):
    """PhonePe, v2 and the older v1 callback (https://developer.phonepe.com)."""

    client_id: str | None = Field(None, validation_alias="PHONEPE_CLIENT_ID")
    """OAuth client id of v2."""
    client_secret: Secret | None = Field(None, validation_alias="PHONEPE_CLIENT_SECRET")
    """OAuth client secret of v2."""
    client_version: str = Field("1", validation_alias="PHONEPE_CLIENT_VERSION")
    """OAuth client version of v2."""
    merchant_id: str | None = Field(None, validation_alias="PHONEPE_MERCHANT_ID")
    """Merchant id; a callback for another one goes to review."""
    auth_base: Address | None = Field(None, validation_alias="PHONEPE_AUTH_BASE")
    """Address of the OAuth service; unset: the one that belongs to PHONEPE_API_BASE."""
    webhook_username: str | None = Field(None, validation_alias="PHONEPE_WEBHOOK_USERNAME")
    """User name that is set for v2 webhooks in the dashboard."""
    webhook_password: Password | None = Field(None, validation_alias="PHONEPE_WEBHOOK_PASSWORD")
    """Password for v2 webhooks, at least 8 characters."""
    salt_key: Secret | None = Field(None, validation_alias="PHONEPE_SALT_KEY")
    """Salt of the v1 X-VERIFY header."""
    salt_index: str = Field("1", validation_alias="PHONEPE_SALT_INDEX")
    """Index of the salt."""
    api_base: Address = Field(
        "https://api.phonepe.com/apis/pg", validation_alias="PHONEPE_API_BASE"
    )
    """Address of the payment gateway."""


class UpiSettings(Group):
    """UPI by deep link and QR code, settled by hand (NPCI UPI Linking Specification 1.6)."""

    payee_address: str | None = Field(None, validation_alias="UPI_PAYEE_ADDRESS")
    """The virtual payment address that receives the money: `name@bank`."""
    payee_name: str | None = Field(None, validation_alias="UPI_PAYEE_NAME")
    """The name that the customer's app shows."""


class MailSettings(Group):
    """Outgoing mail."""

    smtp_url: str | None = Field(None, validation_alias="SMTP_URL")
    """`smtp://user:password@host:port`; unset: no mail."""
    sender: str | None = Field(None, validation_alias="MAIL_FROM")
    """The sender's address."""


class PolicySettings(Group):
    """What is decided once for all sessions."""

    default_currency: Currency = Field("USD", validation_alias="DEFAULT_CURRENCY")
    """Currency of a session that names none; INR with razorpay, phonepe and upi."""
    payment_session_minutes: float = Field(
        30, gt=0, le=1440, validation_alias="PAYMENT_SESSION_MINUTES"
    )
    """Life of a payment session; fractions allowed."""
    checkout_session_hours: float = Field(
        24, gt=0, le=24, validation_alias="CHECKOUT_SESSION_HOURS"
    )
    """Life of a checkout session; fractions allowed."""
    purge_expired_days: float = Field(7, gt=0, validation_alias="PURGE_EXPIRED_DAYS")
    """Days after which an expired, failed or canceled session is deleted."""
    purge_completed_days: Annotated[
        Annotated[float, Field(gt=0)] | None, BeforeValidator(nullable)
    ] = Field(90, validation_alias="PURGE_COMPLETED_DAYS")
    """Days after which a completed session is deleted; `null` keeps it."""
    purge_events_days: float = Field(90, gt=0, validation_alias="PURGE_EVENTS_DAYS")
    """Days after which a webhook event is deleted."""
    strip_payload_fields: FieldNames = Field((), validation_alias="STRIP_PAYLOAD_FIELDS")
    """Fields that are taken out of a webhook's stored payload once it is done, comma list: `email`
    at any depth, `data.object.email` at its place, `*` for any name. Empty: payloads stay whole."""
    intent_retention_days: float = Field(365, gt=0, validation_alias="INTENT_RETENTION_DAYS")
    """Days after which a lead is deleted."""


class Settings(BaseModel, frozen=True):
    """All groups; frozen."""

    database: DatabaseSettings
    web: WebSettings
    connections: ConnectionSettings
    access: AccessSettings
    stripe: StripeSettings
    razorpay: RazorpaySettings
    phonepe: PhonePeSettings
    upi: UpiSettings
    mail: MailSettings
    policy: PolicySettings

    @property
    def production(self) -> bool:
        """Tell whether ENVIRONMENT is production."""
        return self.web.environment == "production"


def load_settings(env_files: tuple[Path, ...] = (Path(".env"),)) -> Settings:
    """Read every group: the environment wins over the files, a later file over an earlier one.

    Raises `Misconfigured` that names each variable at fault; no value is ever shown.
    """
    settings, problems = read_settings(env_files)
    if problems:
        listed = "; ".join(f"{problem.field} {problem.message}" for problem in problems)
        raise Misconfigured(f"The settings can't be used: {listed}.", problems=problems)
    return settings


def read_settings(env_files: tuple[Path, ...]) -> tuple[Settings, tuple[FieldProblem, ...]]:
    """Read as `load_settings` does, and tell what is wrong; a variable at fault counts as unset."""
    problems: list[FieldProblem] = []

    def read(group: type[Group]) -> Group:
        try:
            return group(_env_file=env_files)
        except ValidationError as error:
            found = _problems(error)
            problems.extend(found)
            defaults = {it.validation_alias: it.default for it in group.model_fields.values()}
            unset: dict[str, Any] = {one.field: defaults[one.field] for one in found}
            return group(_env_file=env_files, **unset)

    groups = {name: read(group) for name, group in _groups().items()}
    return Settings.model_validate(groups), tuple(problems)


def variables() -> dict[str, str]:
    """Give the name of every environment variable with the field's docstring."""
    return {
        str(field.validation_alias): field.description or ""
        for group in _groups().values()
        for field in group.model_fields.values()
    }


def _groups() -> dict[str, type[Group]]:
    found = ((name, field.annotation) for name, field in Settings.model_fields.items())
    return {name: it for name, it in found if isinstance(it, type) and issubclass(it, Group)}


def _problems(error: ValidationError) -> list[FieldProblem]:
    return [
        FieldProblem(
            str(item["loc"][0]), item["msg"].removeprefix("Value error, ").removeprefix("Input ")
        )
        for item in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def secrets_of(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return what is set and must stay secret, by its variable; keys come without their names."""
    access, stripe, razorpay = settings.access, settings.stripe, settings.razorpay
    phonepe = settings.phonepe
    keys = {
        "API_SECRET_KEYS": access.secret_keys,
        "API_ADMIN_KEYS": access.admin_keys,
        "API_JOBS_KEYS": access.jobs_keys,
    }
    rolled = {
        "PII_PEPPER": tuple(pepper.secret for pepper in access.peppers),
        "STRIPE_WEBHOOK_SECRET": stripe.webhook_secrets,
        "RAZORPAY_WEBHOOK_SECRET": razorpay.webhook_secrets,
    }
    single = {
        "JWT_SECRET": access.jwt_secret,
        "STRIPE_SECRET_KEY": stripe.secret_key,
        "RAZORPAY_KEY_SECRET": razorpay.key_secret,
        "PHONEPE_CLIENT_SECRET": phonepe.client_secret,
        "PHONEPE_WEBHOOK_PASSWORD": phonepe.webhook_password,
        "PHONEPE_SALT_KEY": phonepe.salt_key,
    }
    unnamed = {name: tuple(key.rpartition(":")[2] for key in some) for name, some in keys.items()}
    return unnamed | rolled | {name: (one,) for name, one in single.items() if one is not None}
