"""The product's time limits while tests run: so long that no busy machine decides, or very short.

Three seconds for a database, two for a provider: a machine that stands still for as long fails any
test that calls one. So there is all the time in the world, but where a test is about a limit. That
one shortens it, and asserts what it is in production by `genuine`.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any

import pytest

from service.inbox.operations import apply, receive
from service.inbox.operations.rejections import Rejections
from service.leases import operations as leases
from service.notifications.endpoints.operations import addresses, known
from service.notifications.endpoints.sending import client as webhooks
from service.notifications.mail.sending import connection as mail_server
from service.notifications.mail.sending import send as mail
from service.payments.refunds.sending import now as refunding
from service.payments.subscriptions.sending import change as subscription_change
from service.payments.subscriptions.sending import read as subscription_reading
from service.providers.phonepe import adapter as phonepe
from service.providers.phonepe import client as phonepe_client
from service.providers.razorpay import adapter as razorpay
from service.providers.razorpay import client as razorpay_client
from service.providers.stripe import adapter as stripe
from service.providers.stripe import calls as stripe_calls
from service.sessions.checkouts import close
from service.sessions.checkouts.unresolved import questions
from service.storage import answering, plain, redis
from service.storage.database import ANSWER_WITHIN_S
from service.storage.group_commit import queue
from service.web import health
from service.web.keys import key_sets
from tests.support.patience import IN_TIME
from tillgate_sandbox.calls import recording

_NAMED: tuple[tuple[ModuleType, str], ...] = (
    *((provider, "OPEN_SECONDS") for provider in (phonepe, razorpay, stripe)),
    # Of each connection: it would end for a test what its own limit fails to end.
    *((each, "OPEN_SECONDS") for each in (phonepe_client, razorpay_client, stripe_calls)),
    *((provider, "CALL_SECONDS") for provider in (phonepe, razorpay, stripe)),
    (apply, "ASK_WITHIN_S"),
    (close, "CLOSE_WITHIN_S"),
    (health, "PING_WITHIN_S"),
    (key_sets, "FETCH_WITHIN_S"),
    (mail_server, "ANSWER_WITHIN_S"),
    (mail, "TAKE_WITHIN_S"),
    (questions, "ASK_WITHIN_S"),
    (receive, "CONFIRM_WITHIN_S"),
    (redis, "WITHIN_S"),
    (refunding, "ASK_WITHIN_S"),
    (subscription_change, "ASK_WITHIN_S"),
    (subscription_reading, "ASK_WITHIN_S"),
    (addresses, "RESOLVED_WITHIN_S"),
    (known, "CURRENT_FOR_S"),
    (webhooks, "ANSWERS_WITHIN_S"),
    (recording, "_KEPT_WITHIN_S"),
)
# Those who say nothing wait for the database as long as their parameter's default.
_BY_DEFAULT: tuple[tuple[Callable[..., Any], str], ...] = (
    (answering.answers_in_time, "seconds"),
    (plain.in_transaction, "seconds"),
    (leases.under, "seconds"),
    (Rejections.flush, "within_s"),
)
_GENUINE = {(module.__name__, name): getattr(module, name) for module, name in _NAMED}
_GENUINE |= {
    (one.__qualname__, name): inspect.signature(one).parameters[name].default
    for one, name in _BY_DEFAULT
}


def genuine(where: ModuleType | Callable[..., Any], name: str) -> float:
    """Return a limit of production: a module's own, or a parameter's default."""
    value: float = _GENUINE[(getattr(where, "__qualname__", where.__name__), name)]
    return value


@pytest.fixture(scope="session", autouse=True)
def all_the_time_in_the_world() -> Iterator[None]:
    """No limit of the product is over while a test runs that is not about it."""
    with pytest.MonkeyPatch.context() as patch:
        take_all_the_time(patch)
        yield


def take_all_the_time(patch: pytest.MonkeyPatch) -> None:
    """Let no limit be over in this process; one that a test starts takes it by itself."""
    for module, name in _NAMED:
        patch.setattr(module, name, IN_TIME)
    _wait_for_the_database(patch, IN_TIME)


@contextmanager
def hastily(seconds: float = ANSWER_WITHIN_S / 5) -> Iterator[None]:
    """Wait for a database that fails for ever no longer than this; it says the same sooner."""
    with pytest.MonkeyPatch.context() as patch:
        _wait_for_the_database(patch, seconds)
        yield


def _wait_for_the_database(patch: pytest.MonkeyPatch, seconds: float) -> None:
    patch.setattr(queue, "ANSWER_WITHIN_S", seconds)
    for one, name in _BY_DEFAULT:
        function = inspect.unwrap(one)
        assert isinstance(function, FunctionType)
        if function.__kwdefaults__ and name in function.__kwdefaults__:
            patch.setitem(function.__kwdefaults__, name, seconds)
        else:
            assert inspect.getfullargspec(function).args[-1] == name
            patch.setattr(function, "__defaults__", (seconds,))
