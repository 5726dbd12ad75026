"""What the settings of every provider can be asked, whichever variables they have."""

from collections.abc import Iterable, Iterator
from typing import get_args

from pydantic import Field

from service.core.errors import FieldProblem
from service.core.variables import Group, Words


class ProviderSettings(Group):
    """The variables of one provider; its traits say which of them it needs."""

    def values(self) -> dict[str, object]:
        """Return what every variable says, unset ones too."""
        fields = type(self).model_fields.items()
        return {str(field.validation_alias): getattr(self, name) for name, field in fields}

    def any_of(self, variables: Iterable[str]) -> bool:
        """Return whether any of these variables is set."""
        values = self.values()
        return any(values[variable] for variable in variables)

    def texts_of(self, *kinds: object) -> dict[str, tuple[str, ...]]:
        """Return what is set in the variables of some types (`Secret`, `Address` …)."""
        found = {
            str(field.validation_alias): getattr(self, name)
            for name, field in type(self).model_fields.items()
            if _is_of(field.rebuild_annotation(), kinds)
        }
        return {
            variable: value if isinstance(value, tuple) else (value,)
            for variable, value in found.items()
            if value is not None
        }

    @property
    def live(self) -> bool | None:
        """Return whether real money moves, as far as these variables show; None: they do not."""
        return None

    def problems(self) -> Iterator[FieldProblem]:
        """List what keeps these settings out of production, besides what the traits say."""
        yield from ()


class ConsentSettings(Group):
    """What is weak on purpose: a consent names what it is for, and holds for nothing else."""

    test_mode_providers: Words = Field((), validation_alias="TEST_MODE_PROVIDERS")
    """Providers that `tillgate serve` may run in test mode, where test cards complete sessions: for
    a staging. Comma list."""


def _is_of(annotation: object, kinds: tuple[object, ...]) -> bool:
    """Return whether a field's type is one of some, or one of them or None."""
    return any(one in kinds for one in (annotation, *get_args(annotation)))
