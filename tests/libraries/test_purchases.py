"""A whole purchase, its refunds and lists, by the official libraries of all three providers.

Soak: npm and pip fetch the libraries. A sample by stripe-python, which the product has, is in
`tests/sandbox/stripe`; what the others send is sent again in `tests/sandbox/razorpay` and
`tests/sandbox/phonepe`.
"""

import json
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.libraries.conftest import HERE, Libraries
from tests.sandbox.lab import Lab

ROOT = Path(__file__).parents[2]
PROVIDERS = ("stripe", "razorpay", "phonepe")
# What each script calls at least once, whichever language it is in.
CALLED = {
    "stripe": {
        "POST /v1/checkout/sessions",
        "POST /v1/checkout/sessions/*",
        "GET /v1/checkout/sessions/*/line_items",
        "GET /v1/charges",
        "GET /v1/payment_intents",
        "GET /v1/refunds",
        "GET /v1/disputes",
        "GET /v1/events",
        "GET /v1/invoices",
        "GET /v1/subscriptions",
        "DELETE /v1/subscriptions/*",
        "POST /v1/test_helpers/test_clocks/*/advance",
    },
    "razorpay": {
        "GET /v1/orders",
        "PATCH /v1/orders/*",
        "GET /v1/payments",
        "PATCH /v1/payment_links/*",
        "GET /v1/payment_links",
        "POST /v1/payments/*/capture",
        "POST /v1/payments/*/refund",
        "GET /v1/refunds",
        "GET /v1/subscriptions",
    },
    "phonepe": {
        "POST /v1/oauth/token",
        "POST /checkout/v2/pay",
        "POST /checkout/v2/sdk/order",
        "GET /checkout/v2/order/*/status",
        "GET /checkout/v2/transaction/*/status",
        "POST /payments/v2/refund",
        "GET /payments/v2/refund/*/status",
    },
}
TYPES = {
    "charge": "Charge",
    "checkout.session": "Checkout.Session",
    "dispute": "Dispute",
    "event": "Event",
    "invoice": "Invoice",
    "item": "LineItem",
    "payment_intent": "PaymentIntent",
    "refund": "Refund",
    "subscription": "Subscription",
    "test_helpers.test_clock": "TestHelpers.TestClock",
}
# The library makes numbers of these texts.
_DECIMAL, _AS_DECIMAL = re.compile(r'("\w+_decimal": )("\d+")'), r"\1Stripe.Decimal.from(\2)"
_COMPILED = "--noEmit --strict --skipLibCheck --module nodenext --target es2022".split()
_IDS = "cs_test|pi|ch|re|du|in|sub|clock|order|plink|pay|rfnd"
_OWN = re.compile(rf"(?<=/)(?:(?:{_IDS})_\w+|OM\w+|(?:node|python|refund)-[\w-]+)(?=/|$)")


def _kinds(calls: Iterable[dict[str, Any]]) -> set[str]:
    """Return which calls were made, without ids and without where the sandbox is."""
    found = set()
    for call in calls:
        path = call["path"].partition("?")[0]
        path = re.sub(r"^(?:http://[^/]+)?(?:/sandbox/[a-z]+)?", "", path, count=1)
        found.add(f"{call['method']} {_OWN.sub('*', path)}")
    return found


@pytest.mark.soak
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_library_for_node_buys_refunds_and_lists(
    node: Libraries, lab: Lab, provider: str
) -> None:
    """Soak: npm fetches the libraries."""
    calls = await node.run(f"{provider}.mjs", lab)
    print(provider, "by Node:", len(calls), "calls")  # noqa: T201
    assert CALLED[provider] <= _kinds(calls)


@pytest.mark.soak
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_library_for_python_buys_refunds_and_lists(
    python: Libraries, lab: Lab, provider: str
) -> None:
    """Soak: pip fetches the libraries."""
    calls = await python.run(f"purchase_{provider}.py", lab)
    print(provider, "by Python:", len(calls), "calls")  # noqa: T201
    assert CALLED[provider] <= _kinds(calls)


def _typed(calls: Iterable[dict[str, Any]]) -> list[str]:
    """Return each object that was answered as a constant of its type, in TypeScript."""
    answers = [call["answer"] for call in calls]
    told = [one for one in answers if "error" not in one and "deleted" not in one]
    objects = [one for answer in told for one in answer.get("data", [answer])]
    return [
        f"export const a{place}: Stripe.{TYPES[one['object']]} = {_DECIMAL.sub(_AS_DECIMAL, body)};"
        for place, one in enumerate(objects)
        for body in (json.dumps(one),)
    ]


@pytest.mark.soak
async def test_each_answer_of_stripe_has_the_type_that_the_library_gives_it(
    node: Libraries, lab: Lab
) -> None:
    """Soak: npm fetches the compiler. The control is an answer with one field less."""
    typed = _typed(await node.run("stripe.mjs", lab))
    assert len(typed) > 100
    wrong = re.sub(r'"currency": "usd", ', "", typed[0], count=1)
    assert wrong != typed[0]
    said = {}
    for name, lines in (("right", typed), ("wrong", [wrong])):
        file = node.folder / f"{name}.ts"
        file.write_text("\n".join(['import Stripe from "stripe";', *lines]))
        compiler = [str(node.program), "node_modules/typescript/bin/tsc", *_COMPILED, file.name]
        done = subprocess.run(compiler, cwd=node.folder, capture_output=True, timeout=300)  # noqa: ASYNC221
        said[name] = done.stdout.decode()
    assert said["right"] == ""
    assert "Property 'currency' is missing" in said["wrong"]


def test_the_locks_name_hashes_and_no_address() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name}
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all(one.get("integrity") and "resolved" not in one for one in packages.values())
    pinned = (HERE / "requirements.lock").read_text()
    assert all(line in pinned for line in (HERE / "requirements.in").read_text().splitlines())
    assert "://" not in pinned


def test_stripes_library_for_python_is_the_one_that_the_product_has() -> None:
    own = re.search(r"^stripe==\S+", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert own is not None
    assert own[0] in (HERE / "requirements.in").read_text().splitlines()
