"""Which frontends may call from a browser."""

from urllib.parse import urlsplit

from litestar.config.cors import CORSConfig

from service.core.errors import Misconfigured
from service.core.origins import LOOPBACK_ORIGIN
from service.web.settings import HttpSettings

ALLOWED_HEADERS = [
    "Authorization",
    "Content-Type",
    "X-API-Key",
    "X-Client-Secret",
    "X-Request-Id",
    "Idempotency-Key",
]
EXPOSED_HEADERS = ["Idempotent-Replayed", "Retry-After", "X-Request-Id"]


def cors_config(settings: HttpSettings) -> CORSConfig | None:
    """Build the policy; None in production if no origin is set. Raises `Misconfigured`.

    In development every origin of this machine is allowed: a frontend has a port of its own there.
    `*` is for development only, and never part of an origin: the framework would treat
    `https://*.example.com` as a pattern that matches more than it appears to.
    """
    origins = list(settings.web.cors_origins)
    if not origins and settings.web.production:
        return None
    for origin in origins:
        _check(origin, production=settings.web.production)
    return CORSConfig(
        allow_origins=origins,
        allow_origin_regex=None if settings.web.production else LOOPBACK_ORIGIN,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        allow_headers=ALLOWED_HEADERS,
        expose_headers=EXPOSED_HEADERS,
        allow_credentials=False,
    )


def _check(origin: str, *, production: bool) -> None:
    if origin == "*":
        if production:
            raise Misconfigured("CORS_ORIGINS is *; name the frontends' origins in production.")
        return
    parts = urlsplit(origin)
    if parts.scheme not in {"http", "https"} or origin != f"{parts.scheme}://{parts.netloc}":
        raise Misconfigured(f"CORS_ORIGINS: {origin!r} is not an origin like https://shop.example")
    if not parts.netloc or "*" in origin:
        raise Misconfigured(f"CORS_ORIGINS: {origin!r} takes no pattern; list each origin")
