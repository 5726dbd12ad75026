"""The traits of each provider name what there is."""

import re

import pytest

from service.core.clock import SystemClock
from service.core.errors import InvalidInput
from service.core.variables import Password, Secret, Secrets
from service.providers.money import check_step, exponent
from service.providers.registry import REGISTRY, build_providers
from service.providers.traits import Registered

rows = pytest.mark.parametrize("row", REGISTRY.values(), ids=REGISTRY)


@rows
def test_every_variable_that_traits_name_is_one_of_the_provider(row: Registered) -> None:
    traits = row.traits
    named = {*traits.pays_with, *traits.hears_with, *traits.demo, *traits.begins}
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


@rows
def test_a_provider_is_built_as_soon_as_it_can_pay_or_be_heard(row: Registered) -> None:
    unset = {name: one.settings(_env_file=None) for name, one in REGISTRY.items()}
    assert build_providers(unset, SystemClock()) == {}
    traits = row.traits
    for variable in traits.pays_with + traits.hears_with:
        made = row.settings(_env_file=None, **{variable: traits.demo[variable]()})
        assert set(build_providers(unset | {traits.name: made}, SystemClock())) == {traits.name}


def test_money_is_counted_as_its_provider_counts_it() -> None:
    """By ISO 4217 but for its traits; Stripe has two decimals for ISK, and none for MGA."""
    counted = {currency: exponent("stripe", currency) for currency in ("ISK", "MGA", "USD")}
    assert counted == {"ISK": 2, "MGA": 0, "USD": 2}
    control = {currency: exponent("razorpay", currency) for currency in ("ISK", "MGA")}
    assert control == {"ISK": 0, "MGA": 2}


def test_what_can_not_be_charged_to_the_last_digit_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        check_step("stripe", "KWD", 1005)
    [problem] = caught.value.problems
    assert problem.message == "stripe takes KWD in steps of 10"
    for provider, currency, amount in (
        ("stripe", "KWD", 1010),
        ("stripe", "USD", 1005),
        ("phonepe", "KWD", 1005),
        ("of another version", "KWD", 1005),
    ):
        check_step(provider, currency, amount)
