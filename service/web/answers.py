"""Answers in JSON, encoded and sent the short way."""

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

T = TypeVar("T")

_encoder = msgspec.json.Encoder()

_JSON = (b"content-type", b"application/json")


class JsonResponse(Response[T]):
    """An answer of the API. What is one of our own types goes out without the framework's detours.

    The framework can also set cookies, negotiate types and answer HEAD; each answer pays for the
    possibility, as much as for encoding it.
    """

    def to_asgi_response(
        self,
        app: Any,  # always None; the framework has deprecated it
        request: Request[Any, Any, Any],
        *,
        cookies: Iterable[Cookie] | None = None,
        is_head_response: bool = False,
        status_code: int | None = None,
        **others: Any,  # of the framework's own kinds of answers
    ) -> ASGIResponse:
        """Give what sends the answer."""
        plain = not (self.cookies or cookies or self.background or is_head_response)
        if plain and isinstance(self.content, msgspec.Struct):
            headers = [
                _JSON,
                *((name.lower().encode(), value.encode()) for name, value in self.headers.items()),
            ]
            status = self.status_code or status_code or 200
            return _ShortResponse(status, headers, _encoder.encode(self.content))
        return super().to_asgi_response(
            app,
            request,
            cookies=cookies,
            is_head_response=is_head_response,
            status_code=status_code,
            **others,
        )


class _ShortResponse(ASGIResponse):
    """Two messages."""

    __slots__ = ("_raw_headers",)

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status_code = status
        self.body = body
        self._raw_headers = [*headers, (b"content-length", str(len(body)).encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self._raw_headers,
            }
        )
        await send({"type": "http.response.body", "body": self.body, "more_body": False})
