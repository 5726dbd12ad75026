"""Everything that is missing or weak in the settings. Nothing is shown of any value."""

from collections.abc import Iterator

from service.core.errors import FieldProblem
from service.production.addresses import key_set_problems, provider_bases, web_problems
from service.production.database import database_problems
from service.production.providers import provider_problems
from service.production.redis import redis_problems
from service.production.resources import resource_problems
from service.production.secrecy import (
    generated_secrets,
    repeated_secrets,
    weak_passwords,
    weak_secrets,
)
from service.production.webhooks import webhook_problems
from service.settings import Settings
from service.web.settings import AccessSettings

_KEY_PREFIXES = {
    "API_PUBLISHABLE_KEYS": "pk_",
    "API_SECRET_KEYS": "sk_",
    "API_ADMIN_KEYS": "ak_",
    "API_JOBS_KEYS": "jk_",
}


def problems(settings: Settings) -> list[FieldProblem]:
    """List what keeps these settings out of production, with what to do: a variable stands once."""
    found = (
        *database_problems(settings.database),
        *web_problems(settings.web),
        *webhook_problems(settings.webhooks.networks),
        *redis_problems(settings.web.redis_url, settings.web.redis_plain_hosts),
        *resource_problems(settings),
        *_access(settings.access),
        *provider_problems(settings),
        *provider_bases(settings),
        *weak_secrets(settings),
        *weak_passwords(settings),
        *repeated_secrets(settings),
        *generated_secrets(settings),
    )
    last = {problem.field: problem for problem in found}
    return [problem for problem in found if last[problem.field] is problem]


def _access(access: AccessSettings) -> Iterator[FieldProblem]:
    if access.pii_pepper is None:
        yield FieldProblem(
            "PII_PEPPER", "is missing: `openssl rand -hex 32` makes one; keep it with your backups"
        )
    for variable, keys in keys_of(access).items():
        prefix = _KEY_PREFIXES[variable]
        if not keys and variable != "API_PUBLISHABLE_KEYS":
            yield FieldProblem(
                variable, f"is missing: `echo {prefix}$(openssl rand -hex 32)` makes one"
            )
        if any(not key.rpartition(":")[2].startswith(prefix) for key in keys):
            yield FieldProblem(variable, f"holds a key that does not begin with {prefix}")
    yield from _tokens(access)


def _tokens(access: AccessSettings) -> Iterator[FieldProblem]:
    if access.jwt_secret and access.jwt_jwks_url:
        yield FieldProblem("JWT_SECRET", "and JWT_JWKS_URL are both set: set one of them")
    yield from key_set_problems(access)
    if not (access.jwt_secret or access.jwt_jwks_url):
        return
    if not access.jwt_issuer:
        yield FieldProblem("JWT_ISSUER", "is missing: the `iss` of your users' tokens")
    if not access.jwt_audience:
        yield FieldProblem("JWT_AUDIENCE", "is missing: the `aud` that tokens for Tillgate carry")


def keys_of(access: AccessSettings) -> dict[str, tuple[str, ...]]:
    """Return the API keys by their variable."""
    return {
        "API_PUBLISHABLE_KEYS": access.publishable_keys,
        "API_SECRET_KEYS": access.secret_keys,
        "API_ADMIN_KEYS": access.admin_keys,
        "API_JOBS_KEYS": access.jobs_keys,
    }
