"""Razorpay's HTTP API (https://razorpay.com/docs/api): basic auth, JSON, bounded in time."""

from collections.abc import Mapping

import httpx

from service.core.strict_json import JsonObject
from service.providers.calling import OPEN_SECONDS, ask, trusted
from service.providers.razorpay.settings import RazorpaySettings

PROVIDER = "Razorpay"


class RazorpayClient:
    """One connection pool to Razorpay. Methods raise as `calling.ask` does."""

    def __init__(self, settings: RazorpaySettings) -> None:
        """Keep the keys; nothing is connected and no loop is bound yet.

        The base address may be given with or without `/v1`, as both stand in Razorpay's pages.
        """
        self._http = httpx.AsyncClient(
            base_url=settings.api_base.removesuffix("/v1") + "/v1/",
            auth=httpx.BasicAuth(settings.key_id or "", settings.key_secret or ""),
            timeout=httpx.Timeout(OPEN_SECONDS),
            verify=trusted(),
        )

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> JsonObject:
        """Read `path` below `/v1/`."""
        return await ask(PROVIDER, self._http, self._http.build_request("GET", path, params=query))

    async def post(
        self, path: str, body: JsonObject, headers: Mapping[str, str] | None = None
    ) -> JsonObject:
        """Send a JSON body to `path` below `/v1/`."""
        request = self._http.build_request("POST", path, json=body, headers=headers)
        return await ask(PROVIDER, self._http, request)

    async def patch(self, path: str, body: JsonObject) -> JsonObject:
        """Change what is at `path` below `/v1/`."""
        return await ask(PROVIDER, self._http, self._http.build_request("PATCH", path, json=body))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()
