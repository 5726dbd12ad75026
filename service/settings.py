"""The settings: each room declares its own; here they are collected, and read.

They come from the environment, then from files of variables. A blank variable is an unset one. A
secret that is set but weak is refused wherever it is read; what production needs besides is listed
by `production.problems`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

from pydantic import BaseModel, SerializeAsAny, ValidationError

from service.core.errors import FieldProblem, Misconfigured
from service.core.variables import Group, Password, Secret, Secrets
from service.inbox.settings import InboxSettings
from service.intents.settings import IntentSettings
from service.notifications.alerts.settings import AlertSettings
from service.notifications.endpoints.settings import WebhookSettings
from service.notifications.mail.settings import MailSettings
from service.payments.refunds.settings import RefundSettings
from service.providers.registry import REGISTRY
from service.providers.settings import ConsentSettings, ProviderSettings
from service.sessions.settings import SessionSettings
from service.storage.settings import DatabaseSettings
from service.web.settings import AccessSettings, ConnectionSettings, WebSettings

_Own = TypeVar("_Own", bound=ProviderSettings)


class Settings(BaseModel, frozen=True):
    """All groups; frozen. `providers` has one for each provider, set or not."""

    database: DatabaseSettings
    web: WebSettings
    connections: ConnectionSettings
    access: AccessSettings
    providers: dict[str, SerializeAsAny[ProviderSettings]]
    mail: MailSettings
    webhooks: WebhookSettings
    sessions: SessionSettings
    refunds: RefundSettings
    inbox: InboxSettings
    intents: IntentSettings
    alerts: AlertSettings
    consents: ConsentSettings

    @property
    def production(self) -> bool:
        """Return whether ENVIRONMENT is production."""
        return self.web.production

    def of(self, group: type[_Own]) -> _Own:
        """Return the settings of one provider, by their class."""
        return next(it for it in self.providers.values() if isinstance(it, group))

    def changed(self, *groups: ProviderSettings) -> "Settings":
        """Return the settings with those of some providers replaced."""
        new = {type(group): group for group in groups}
        providers = {name: new.get(type(it), it) for name, it in self.providers.items()}
        return self.model_copy(update={"providers": providers})


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

    return collect(read), tuple(problems)


def collect(make: Callable[[type[Group]], Group]) -> Settings:
    """Make every group, and put them together."""
    made: dict[str, object] = {}
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        made[name] = make(kind) if _is_group(kind) else {it: make(one) for it, one in _OF_PROVIDERS}
    return Settings.model_validate(made)


def variables() -> dict[str, str]:
    """Return the name of every environment variable with the field's docstring."""
    found: list[type[Group]] = []
    for field in Settings.model_fields.values():
        kind = field.annotation
        found += [kind] if _is_group(kind) else [one for _, one in _OF_PROVIDERS]
    return {
        str(field.validation_alias): field.description or ""
        for group in found
        for field in group.model_fields.values()
    }


_OF_PROVIDERS = [(name, registered.settings) for name, registered in REGISTRY.items()]


def _is_group(kind: object) -> TypeGuard[type[Group]]:
    return isinstance(kind, type) and issubclass(kind, Group)


def _problems(error: ValidationError) -> list[FieldProblem]:
    return [
        FieldProblem(
            str(item["loc"][0]), item["msg"].removeprefix("Value error, ").removeprefix("Input ")
        )
        for item in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def secrets_of(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return what is set and must stay secret, by its variable; keys come without their names."""
    access = settings.access
    keys = {
        "API_SECRET_KEYS": access.secret_keys,
        "API_ADMIN_KEYS": access.admin_keys,
        "API_JOBS_KEYS": access.jobs_keys,
    }
    found = {name: tuple(key.rpartition(":")[2] for key in some) for name, some in keys.items()}
    found["PII_PEPPER"] = tuple(pepper.secret for pepper in access.peppers)
    for provider in settings.providers.values():
        found |= provider.texts_of(Secrets)
    if access.jwt_secret is not None:
        found["JWT_SECRET"] = (access.jwt_secret,)
    for provider in settings.providers.values():
        found |= provider.texts_of(Secret, Password)
    return found
