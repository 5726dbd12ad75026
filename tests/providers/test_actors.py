"""Who acted is told in words, and nobody is told a hash."""

import pytest

from service.core.principal import Kind, Principal
from service.providers.actors import actor
from service.providers.registry import REGISTRY

HASH = "3fa9c1d200ff"


@pytest.mark.parametrize(
    ("label", "words"),
    [
        (f"publishable:{HASH}", "the customer's browser"),
        ("publishable:web", "the customer's browser (web)"),
        (f"secret:{HASH}", "your server"),
        ("secret:ops", "your server (ops)"),
        ("user:ada", "the customer (ada)"),
        (f"user:{HASH}", f"the customer ({HASH})"),  # an id of theirs, not a key's hash
        (f"admin:{HASH}", "an admin"),
        ("admin:cli:grace", "grace on the command line"),
        ("jobs:server", "Tillgate itself"),
        ("tillgate", "Tillgate itself"),
        ("jobs:cron", "a job (cron)"),
        ("clock", "the clock"),
        ("stripe", "Stripe"),
        ("phonepe", "PhonePe"),
        ("migration", "migration"),
        ("", ""),
        ("secret:", "secret:"),
        ("odd:thing", "odd:thing"),
    ],
)
def test_an_actor_is_named_in_words(label: str, words: str) -> None:
    assert actor(label) == words


def test_every_kind_of_caller_and_every_provider_has_words() -> None:
    for kind in Kind:
        assert HASH in Principal(kind, "default", HASH).label  # the control
        assert kind.value not in actor(f"{kind}:x").split()[:1]
        if kind is not Kind.USER:
            assert HASH not in actor(f"{kind}:{HASH}")
    for name, row in REGISTRY.items():
        assert actor(name) == row.traits.title != name
