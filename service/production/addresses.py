"""Where the service is reached, whom it trusts, and where it finds the providers."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from service.core.errors import FieldProblem
from service.core.variables import Address, is_web_address
from service.production.hosts import is_loopback, is_number, is_public_name
from service.production.proxies import proxy_problems, reader_problems
from service.settings import Settings
from service.web.settings import AccessSettings, WebSettings

_UNSET_IT = "unset it, which takes the provider's own address"
_ON_THIS_MACHINE = f"is on this machine, where a fake would complete sessions: {_UNSET_IT}"


# What one process can't answer in any case is no limit: 10,000 a second.
MOST_A_MINUTE = 600_000


def web_problems(web: WebSettings) -> Iterator[FieldProblem]:
    """List what is wrong with how the service is reached."""
    yield from _home(web)
    if any("*" in origin for origin in web.cors_origins):
        yield FieldProblem("CORS_ORIGINS", "holds a *: name the origin of each frontend")
    elif any(origin.startswith("http:") for origin in web.cors_origins):
        yield FieldProblem(
            "CORS_ORIGINS",
            "holds an origin of http: anyone on the way could put a page there that calls us; "
            "serve the frontend over https",
        )
    elif any(not _is_origin(origin) for origin in web.cors_origins):
        yield FieldProblem("CORS_ORIGINS", "takes origins like https://shop.example, comma list")
    yield from proxy_problems(web.trusted_proxies)
    yield from reader_problems(web.metrics_from)
    yield from _limits(web)


def _home(web: WebSettings) -> Iterator[FieldProblem]:
    home = urlsplit(web.public_url)
    if "public_url" not in web.model_fields_set:
        yield FieldProblem(
            "PUBLIC_URL", "is missing: the https address that customers and providers use"
        )
    elif "@" in home.netloc or "?" in web.public_url or "#" in web.public_url:
        yield FieldProblem(
            "PUBLIC_URL",
            "holds more than an address, and is shown to every customer: take out what stands "
            "before an @ and behind a ? or #",
        )
    elif home.scheme != "https" and not is_loopback(web.public_url):
        yield FieldProblem("PUBLIC_URL", "is not https: put TLS in front, and name that address")


def key_set_problems(access: AccessSettings) -> Iterator[FieldProblem]:
    """List what is wrong with the address of the users' identity provider."""
    address = access.jwt_jwks_url
    if address is None:
        return
    who = "since who answers there decides who is who"
    if not address.startswith("https:"):
        yield FieldProblem("JWT_JWKS_URL", f"is not https: name an https address, {who}")
    elif is_loopback(address) or is_number(address) or "@" in urlsplit(address).netloc:
        says = "names no host of an identity provider: name it, without a user or a number"
        yield FieldProblem("JWT_JWKS_URL", f"{says}, {who}")


def provider_bases(settings: Settings) -> Iterator[FieldProblem]:
    """List the addresses of providers that no provider has."""
    for provider in settings.providers.values():
        for variable, (base,) in sorted(provider.texts_of(Address).items()):
            if wrong := _no_base(base):
                yield FieldProblem(variable, wrong)


def _no_base(base: str) -> str | None:
    if is_loopback(base):
        return _ON_THIS_MACHINE
    if urlsplit(base).scheme != "https":
        says = "is not https: anyone on the way could report payments that nobody made"
        return f"{says}; {_UNSET_IT}"
    if is_number(base):
        return "is a number: name the provider's host, whose certificate is checked"
    return None if is_public_name(base) else f"is no public name: {_UNSET_IT}"


def _limits(web: WebSettings) -> Iterator[FieldProblem]:
    limits = {
        "RATE_LIMIT_PER_KEY": web.rate_limit_per_key,
        "RATE_LIMIT_PER_ADDRESS": web.rate_limit_per_address,
    }
    for variable, limit in limits.items():
        if not limit:
            yield FieldProblem(variable, "is 0, which is no limit: unset it, or set a high one")
        elif limit > MOST_A_MINUTE:
            yield FieldProblem(
                variable, f"is so high that it is no limit: set {MOST_A_MINUTE} a minute at most"
            )
    behind_tls = web.public_url.startswith("https:")
    if behind_tls and web.rate_limit_per_address and not web.trusted_proxies:
        yield FieldProblem(
            "TRUSTED_PROXIES",
            "is missing: name the proxy that ends TLS, or all customers share one rate limit",
        )


def _is_origin(text: str) -> bool:
    if not is_web_address(text):
        return False
    parts = urlsplit(text)
    return "@" not in parts.netloc and text == f"{parts.scheme}://{parts.netloc}"
