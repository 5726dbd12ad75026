"""The traits of each provider name what there is."""

import re

import pytest

from service.core.variables import Password, Secret, Secrets
from service.providers.registry import REGISTRY
from service.providers.traits import Registered

rows = pytest.mark.parametrize("row", REGISTRY.values(), ids=REGISTRY)


@rows
def test_every_variable_that_traits_name_is_one_of_the_provider(row: Registered) -> None:
    traits = row.traits
    named = {*traits.pays_with, *traits.hears_with, *traits.publishes, *traits.demo, *traits.begins}
    named |= {variable for group in traits.together for variable in group}
    named |= {traits.mode_variable} - {None}
    assert named <= row.settings(_env_file=None).values().keys()


@rows
def test_development_has_what_it_takes_to_pay_and_to_be_heard(row: Registered) -> None:
    traits = row.traits
    assert set(traits.pays_with + traits.hears_with) <= traits.demo.keys()


@rows
def test_what_development_makes_of_a_secret_is_refused_by_production(row: Registered) -> None:
    made = {variable: make() for variable, make in row.traits.demo.items()}
    settings = row.settings(_env_file=None, **made)
    secrets = settings.texts_of(Secret, Secrets, Password)
    assert all(re.search("_dev_", text) for texts in secrets.values() for text in texts)
    assert set(secrets) <= made.keys() | {v for v, texts in secrets.items() if not texts}


@rows
def test_a_currency_that_is_the_only_one_is_the_usual_one(row: Registered) -> None:
    traits = row.traits
    assert traits.only_currency in {None, traits.usual_currency}
