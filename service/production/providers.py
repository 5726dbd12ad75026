"""What is missing or wrong in the settings of the providers, and which are in test mode."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from service.core.errors import FieldProblem
from service.providers.registry import REGISTRY, every_traits
from service.providers.settings import ConsentSettings, ProviderSettings
from service.providers.traits import Traits
from service.settings import Settings

_Row: TypeAlias = tuple[Traits, ProviderSettings]


def provider_problems(settings: Settings) -> Iterator[FieldProblem]:
    """List what is missing of a provider, is of another kind than it must be, or of test mode."""
    rows = [(registered.traits, settings.providers[name]) for name, registered in REGISTRY.items()]
    if not any(group.any_of(traits.pays_with) for traits, group in rows):
        first, *others = (traits.pays_with[0] for traits in every_traits())
        named = f"{', '.join(others[:-1])} or {others[-1]}"
        yield FieldProblem(first, f"or {named} is missing: without a provider nobody can pay")
    for traits, group in rows:
        values = group.values()
        for variables in traits.together:
            yield from _together(*((variable, values[variable]) for variable in variables))
        yield from group.problems()
        yield from _misplaced(traits, group)
    yield from _test_modes(rows, settings.consents)


def _together(*wanted: tuple[str, object]) -> Iterator[FieldProblem]:
    """Refuse a half-set provider: its webhooks, or its calls, could not be trusted."""
    given = [variable for variable, value in wanted if value]
    for variable, value in wanted:
        if given and not value:
            yield FieldProblem(variable, f"is missing, while {given[0]} is set")


def _misplaced(traits: Traits, group: ProviderSettings) -> Iterator[FieldProblem]:
    """List the texts that can't be what their variable holds, such as a public key for a secret."""
    values = group.values()
    for variable, beginnings in traits.begins.items():
        value = values[variable]
        texts = value if isinstance(value, tuple) else (value,)
        if any(isinstance(text, str) and not text.startswith(beginnings) for text in texts):
            named = " or ".join(beginnings)
            says = f"does not begin with {named}: copy it anew from {traits.title}"
            yield FieldProblem(variable, says)


def _test_modes(rows: Sequence[_Row], consents: ConsentSettings) -> Iterator[FieldProblem]:
    """List the providers in test mode, in which anybody pays with a test card."""
    consented = consents.test_mode_providers
    having = [traits.name for traits, _ in rows if traits.mode_variable]
    for traits, group in rows:
        is_on = group.any_of(traits.pays_with + traits.hears_with)
        if is_on and group.live is False and traits.mode_variable and traits.name not in consented:
            yield FieldProblem(
                traits.mode_variable,
                "is of test mode, where anybody completes a session with a test card: set the one "
                f"of live mode, or name {traits.name} in TEST_MODE_PROVIDERS for a staging",
            )
    if not set(consented) <= set(having):
        says = f"names a provider that has no test mode; there are {', '.join(having)}"
        yield FieldProblem("TEST_MODE_PROVIDERS", says)
