"""Calls to Stripe by the official library: a client for each event loop, a limit for each call."""

import asyncio
import logging
from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

import stripe

from service.core import strict_json
from service.core.errors import MalformedBody, ProviderFailed, ProviderUnreachable
from service.core.strict_json import JsonObject
from service.providers.calling import OPEN_SECONDS, measured, within

# The library would report the timing of our calls and a machine id with each request.
stripe.enable_telemetry = False
# Its debug log holds whole bodies, and with them names and addresses of customers.
logging.getLogger("stripe").setLevel(logging.WARNING)

# Lost connections, 409 and 5xx, after a pause of at least half a second.
_RETRIES = 1


class _Http(stripe.HTTPXClient):
    """Stripe's own, less the deprecated `data=` with a string, at which httpx warns on each POST.

    If the library drops this method, nothing is overridden and nothing is lost.
    """

    def _get_request_args_kwargs(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | None
    ) -> tuple[tuple[str, str], dict[str, Any]]:
        args, given = super()._get_request_args_kwargs(method, url, headers, post_data)
        return args, {**given, "data": None, "content": post_data}


class StripeClients:
    """Stripe's client, one for each event loop: its connections belong to the loop they are from.

    See https://github.com/stripe/stripe-python/pull/1248.
    """

    def __init__(self, secret_key: str, api_base: str) -> None:
        """Connect nowhere yet."""
        self._secret_key = secret_key
        self._api_base = api_base
        self._clients: WeakKeyDictionary[
            AbstractEventLoop, tuple[stripe.StripeClient, stripe.HTTPXClient]
        ] = WeakKeyDictionary()

    def current(self) -> stripe.StripeClient:
        """Return the running loop's client."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            http_client = _Http(timeout=OPEN_SECONDS)
            client = stripe.StripeClient(
                self._secret_key,
                base_addresses={"api": self._api_base},
                max_network_retries=_RETRIES,
                http_client=http_client,
            )
            self._clients[loop] = (client, http_client)
        return self._clients[loop][0]

    async def aclose(self) -> None:
        """Close the running loop's connections; a later call opens new ones."""
        found = self._clients.pop(asyncio.get_running_loop(), None)
        if found is not None:
            await found[1].close_async()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def answering(limit: float) -> AsyncIterator[None]:
    """Hold the calls within to `limit` seconds in all, and put Stripe's errors in our words.

    Raises `ProviderUnreachable` where no answer came and `ProviderFailed` where one came that is
    no success. Causes are cut off: they carry the whole body of the answer.
    """
    with measured("stripe"):
        async with _in_our_words(limit):
            yield


@asynccontextmanager
async def _in_our_words(limit: float) -> AsyncIterator[None]:
    try:
        async with within("Stripe", limit):
            yield
    except stripe.APIConnectionError:
        raise ProviderUnreachable("Stripe can't be reached.") from None
    except stripe.StripeError as error:
        raise _failure(error) from None
    # A stranger's answer under our STRIPE_API_BASE makes the library stumble in these ways.
    except (MalformedBody, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ProviderFailed("Stripe's answer can't be read.", definite=False) from error


def answer_of(resource: stripe.StripeObject) -> tuple[JsonObject, bytes]:
    """Return an answer's JSON, parsed and as it was received. Raises `MalformedBody`."""
    response = resource.last_response
    payload = response.body.encode() if response else b""
    parsed = strict_json.parse(payload)
    if not isinstance(parsed, dict):
        raise MalformedBody("The answer is not an object.")
    return parsed, payload


def _failure(error: stripe.StripeError) -> ProviderFailed:
    status = error.http_status or 0
    if status < 400:  # a success whose body is no JSON
        return ProviderFailed("Stripe's answer can't be read.", definite=False)
    if status == 409:  # the same key is still being worked on
        return ProviderFailed("Stripe is still at this call.", definite=False, retry_after=2)
    if status in {401, 403}:
        return ProviderFailed("Stripe refuses our key: check STRIPE_SECRET_KEY.")
    if status == 429:
        return ProviderFailed("Stripe accepts no more calls now.", retry_after=2)
    if status >= 500:
        # Stripe answers the same for as long as it keeps the key, so only a new attempt helps. A
        # checkout that was made after all is found by what we sent along.
        return ProviderFailed(f"Stripe failed with status {status}.", retry_after=2)
    return ProviderFailed(f"Stripe refused the call: {_reason(error)}")


def _reason(error: stripe.StripeError) -> str:
    parameter = getattr(error, "param", None)
    if parameter == "customer_email":  # its message repeats the address
        return "it does not take the email address."
    return error.user_message or error.code or "it gave no reason."
