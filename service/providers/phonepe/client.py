"""PhonePe's HTTP APIs: v2 with an OAuth token, and the status call of v1.

Sources: https://developer.phonepe.com/payment-gateway/website-integration/standard-checkout/
api-integration/api-reference (authorization, create-payment, order-status) and
https://developer.phonepe.com/v1/reference/check-status-api.
"""

import asyncio

import httpx

from service.core.clock import Clock
from service.core.errors import ProviderFailed, ProviderUnreachable
from service.core.strict_json import JsonObject
from service.providers.calling import OPEN_SECONDS, Refused, ask, trusted
from service.providers.phonepe.settings import PhonePeSettings
from service.providers.phonepe.verify import x_verify_of
from service.providers.reading import text, whole

PROVIDER = "PhonePe"

_PRODUCTION_AUTH = "https://api.phonepe.com/apis/identity-manager"
# A token is renewed a minute early, so that none runs out on its way.
_EARLY_SECONDS = 60


class PhonePeClient:
    """One connection pool to PhonePe, and the token that it lives on.

    Methods raise as `calling.ask` does. Many callers at once fetch one token.
    """

    def __init__(self, settings: PhonePeSettings, clock: Clock) -> None:
        """Keep the settings; nothing is connected and no loop is bound yet."""
        self._settings = settings
        self._clock = clock
        self._base = settings.api_base
        at_home = _PRODUCTION_AUTH if settings.live else self._base
        self._auth_base = settings.auth_base or at_home
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(OPEN_SECONDS), verify=trusted())
        self._token = ""
        self._renew_at = 0
        self._renewing = asyncio.Lock()

    async def pay(self, body: JsonObject) -> JsonObject:
        """Open an order (v2)."""
        return await self._call(
            self._http.build_request("POST", f"{self._base}/checkout/v2/pay", json=body)
        )

    async def order_status(self, order_id: str) -> JsonObject:
        """Read an order with its latest attempt (v2)."""
        url = f"{self._base}/checkout/v2/order/{order_id}/status"
        return await self._call(self._http.build_request("GET", url, params={"details": "false"}))

    async def refund(self, body: JsonObject) -> JsonObject:
        """Ask for a refund (v2)."""
        return await self._call(
            self._http.build_request("POST", f"{self._base}/payments/v2/refund", json=body)
        )

    async def refund_status(self, refund_id: str) -> JsonObject:
        """Read a refund by the id that the merchant gave it (v2)."""
        url = f"{self._base}/payments/v2/refund/{refund_id}/status"
        return await self._call(self._http.build_request("GET", url))

    async def transaction_status(self, transaction_id: str) -> JsonObject:
        """Read a transaction (v1); its production address ends in `/hermes` instead of `/pg`."""
        merchant_id, salt = self._settings.merchant_id, self._settings.salt_key
        if not merchant_id or not salt:
            raise ProviderFailed("PHONEPE_MERCHANT_ID and PHONEPE_SALT_KEY are not set.")
        base = self._base
        if base.endswith("/pg"):
            base = base.removesuffix("/pg") + "/hermes"
        path = f"/pg/v1/status/{merchant_id}/{transaction_id}"
        headers = {
            "X-VERIFY": x_verify_of(path, salt, self._settings.salt_index),
            "X-MERCHANT-ID": merchant_id,
        }
        return await ask(
            PROVIDER, self._http, self._http.build_request("GET", base + path, headers=headers)
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _call(self, request: httpx.Request) -> JsonObject:
        """Send a request with the token; one that PhonePe has withdrawn is renewed once."""
        used = await self._current_token()
        try:
            return await self._ask_with(used, request)
        except Refused as refusal:
            if refusal.status != httpx.codes.UNAUTHORIZED:
                raise
        if used == self._token:
            self._token = ""
        return await self._ask_with(await self._current_token(), request)

    async def _ask_with(self, token: str, request: httpx.Request) -> JsonObject:
        request.headers["Authorization"] = f"O-Bearer {token}"
        return await ask(PROVIDER, self._http, request)

    async def _current_token(self) -> str:
        async with self._renewing:
            if not self._token or self._clock.now().timestamp() >= self._renew_at:
                await self._renew()
            return self._token

    async def _renew(self) -> None:
        given = {
            "client_id": self._settings.client_id,
            "client_version": self._settings.client_version,
            "client_secret": self._settings.client_secret,
            "grant_type": "client_credentials",
        }
        url = f"{self._auth_base}/v1/oauth/token"
        answer = await ask(PROVIDER, self._http, self._http.build_request("POST", url, data=given))
        token = text(answer, "access_token")
        if token is None or not token.isascii():
            raise ProviderUnreachable(f"{PROVIDER} gave no access token.")
        self._token = token
        self._renew_at = (whole(answer, "expires_at") or 0) - _EARLY_SECONDS
