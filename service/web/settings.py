"""Settings of the web layer: how it is reached, what a connection may take, who may call."""

from typing import Literal, Protocol

from pydantic import Field

from service.core.peppers import Pepper, read_pepper
from service.core.variables import Address, Group, Keys, Peppers, Secret, Words


class WebSettings(Group):
    """How the service is reached."""

    environment: Literal["development", "production"] = Field(
        "development", validation_alias="ENVIRONMENT"
    )
    """`production` refuses weak settings and has no sandbox."""
    public_url: Address = Field("http://127.0.0.1:8000", validation_alias="PUBLIC_URL")
    """The address under which customers and providers reach the service."""
    cors_origins: Words = Field((), validation_alias="CORS_ORIGINS")
    """Origins of the frontends, comma list; those of this machine are allowed in development, where
    `*` allows all."""
    trusted_proxies: Words = Field((), validation_alias="TRUSTED_PROXIES")
    """Addresses or networks whose X-Forwarded-For is believed, comma list; none wider than a /8."""
    metrics_from: Words = Field((), validation_alias="METRICS_FROM")
    """Addresses or networks that read /metrics without a key, comma list; none wider than a /8."""
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", validation_alias="LOG_LEVEL"
    )
    """What is logged: this and what is worse. Above `info` requests leave no lines."""
    redis_url: str | None = Field(None, validation_alias="REDIS_URL")
    """Where rate limits are counted and figures kept; unset: in each process's memory."""
    redis_plain_hosts: Words = Field((), validation_alias="REDIS_PLAIN_HOSTS")
    """Hosts of Redis that may be reached without TLS or password, since nobody else is on their
    network. Comma list."""
    rate_limit_per_key: int = Field(6000, ge=0, validation_alias="RATE_LIMIT_PER_KEY")
    """Requests a minute for one key (a publishable key: for one key and address); 0 = off, which
    production refuses."""
    rate_limit_per_address: int = Field(3000, ge=0, validation_alias="RATE_LIMIT_PER_ADDRESS")
    """Requests a minute for one address; 0 = off, which production refuses. Signed webhooks are
    never limited."""

    @property
    def production(self) -> bool:
        """Return whether ENVIRONMENT is production."""
        return self.environment == "production"


class ConnectionSettings(Group):
    """What a connection may use of the server."""

    most: int = Field(800, ge=1, le=100_000, validation_alias="MAX_CONNECTIONS")
    """Connections at once, in each process. Further ones get 503, but health is still answered."""
    header_bytes: int = Field(16_384, ge=2_048, le=262_144, validation_alias="MAX_HEADER_BYTES")
    """Bytes of all headers of a request together; above that, 431."""
    address_bytes: int = Field(8_192, ge=512, le=65_000, validation_alias="MAX_ADDRESS_BYTES")
    """Bytes of a request's address with its query; above that, 414."""
    headers_within_s: float = Field(10, gt=0, le=300, validation_alias="HEADERS_WITHIN_S")
    """Seconds within which all headers of a request must arrive; after that, 408."""
    body_within_s: float = Field(30, gt=0, le=300, validation_alias="BODY_WITHIN_S")
    """Seconds within which the whole body must arrive; after that, 408."""
    answer_within_s: float = Field(30, gt=0, le=300, validation_alias="ANSWER_WITHIN_S")
    """Seconds within which the client must read an answer; after that, the connection is cut."""
    idle_s: float = Field(75, gt=0, le=3_600, validation_alias="IDLE_CONNECTION_S")
    """Seconds that an idle connection is kept open: longer than a load balancer's 60."""


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
        """Return the peppers: the first one derives, all of them verify."""
        return tuple(map(read_pepper, self.pii_peppers))

    @property
    def pii_pepper(self) -> str | None:
        """Return the newest pepper, with which everything is derived."""
        return self.peppers[0].secret if self.pii_peppers else None


class HttpSettings(Protocol):
    """The settings that the web layer gets."""

    @property
    def web(self) -> WebSettings:
        """Return how the service is reached."""
        ...

    @property
    def access(self) -> AccessSettings:
        """Return who may call."""
        ...
