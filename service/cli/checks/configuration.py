"""Check the settings."""

from collections.abc import Iterator, Sequence

from service.cli.checks.check import Check, State
from service.core.clock import SystemClock
from service.core.errors import FieldProblem, TillgateError
from service.production.problems import problems
from service.providers.base import Provider, SendsWebhooks
from service.providers.registry import build_providers, every_traits
from service.settings import Settings


def check_settings(settings: Settings, unreadable: Sequence[FieldProblem]) -> Iterator[Check]:
    """List what is wrong; in development also what production would still refuse."""
    for problem in unreadable:
        yield Check("settings", problem.field, "problem", problem.message)
    named = {problem.field for problem in unreadable}
    missing = [problem for problem in problems(settings) if problem.field not in named]
    if settings.production:
        for problem in missing:
            yield Check("settings", problem.field, "problem", problem.message)
        yield from _limits(settings)
    elif missing:
        says = f"would refuse {len(missing)} settings: tillgate doctor --environment production"
        yield Check("settings", "production", "fine", says)
    if not unreadable and not (settings.production and missing):
        yield Check("settings", "variables", "fine", f"complete for {settings.web.environment}")


def check_providers(settings: Settings) -> Iterator[Check]:
    """Report for each provider whether it is on, in which mode, and whether it has webhooks."""
    try:
        providers = build_providers(settings.providers, SystemClock())
    except TillgateError as error:
        yield Check("providers", "all", "problem", error.message)
        return
    for traits in every_traits():
        name = traits.name
        provider = providers.get(name)
        if provider is None:
            yield Check("providers", name, "fine", "off: nothing is set for it")
            continue
        mode = {True: "live", False: "test mode", None: "on"}[provider.live]
        heard = "webhooks on" if _hears(provider) else "no webhooks"
        if traits.manual:
            heard = "completed by a secret key"
        state: State = "fine"
        if settings.production and provider.live is False:
            state, mode = "warning", "test mode: no real money"
        yield Check("providers", name, state, f"{mode}, {heard}")


def check_mail(settings: Settings) -> Iterator[Check]:
    """Report whether mail goes out, and from whom."""
    mail = settings.mail
    if mail.server is None:
        says = "no mail goes out: SMTP_URL is unset; nothing is kept to be sent later"
        if not settings.production:
            says = "is unset: mail goes to the mailbox of `tillgate dev`, and no further"
        yield Check("mail", "SMTP_URL", "warning" if settings.production else "fine", says)
        return
    server = mail.server
    ways = {
        "tls": "TLS",
        "starttls": "STARTTLS",
        "offered": "STARTTLS where offered",
        "plain": "no TLS",
    }
    says = f"{server.host}:{server.port}, {ways[server.security]}; try `tillgate mail send-test`"
    yield Check("mail", "SMTP_URL", "fine", says)
    if mail.sender is None:
        says = "is unset: merchants without a mailSender of their own send nothing"
        yield Check("mail", "MAIL_FROM", "warning", says)


def _limits(settings: Settings) -> Iterator[Check]:
    if settings.web.redis_url is None:
        says = "is unset: n processes (pods and --workers) allow n times the rate limits"
        yield Check("settings", "REDIS_URL", "warning", says)


def _hears(provider: Provider) -> bool:
    return isinstance(provider, SendsWebhooks) and provider.receives_webhooks
