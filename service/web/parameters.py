"""Query and path parameters that many routes share, typed and documented."""

from datetime import datetime
from typing import Annotated

from litestar.params import PathParameter, QueryParameter
from pydantic_core import PydanticCustomError

from service.core.errors import FieldProblem, InvalidInput
from service.core.ids import MERCHANT_ID
from service.providers.registry import ProviderName
from service.web.fields import read_moment

PAGE_SIZE = 20

PageLimit = Annotated[
    int, QueryParameter(ge=1, le=100, description="How many entries a page has at most.")
]
"""`limit` of a list; declare it with the default `PAGE_SIZE`."""

PageCursor = Annotated[
    str | None, QueryParameter(max_length=200, description="`nextCursor` of the page before.")
]
"""`cursor` of a list; declare it with the default None and decode it by `core.paging`."""

MerchantQuery = Annotated[
    str | None, QueryParameter(name="merchant", pattern=f"^{MERCHANT_ID.pattern}$")
]
"""`merchant` of what an operator does for another one; declare it with the default None."""

StatusQuery = Annotated[str, QueryParameter(name="status", max_length=40)]
"""`status` of a page's list: one that is none of its own shows all of them."""

ProviderQuery = Annotated[ProviderName | None, QueryParameter(name="provider")]
"""`provider` of a list: declare it with the default None."""

UserQuery = Annotated[str | None, QueryParameter(name="userId", max_length=255)]
"""`userId`: declare it with the default None."""

OneUserQuery = Annotated[
    str | None,
    QueryParameter(name="userId", max_length=255, schema_extra={"examples": ["user_123"]}),
]
"""`userId` of what is asked of one user, whom only a token names otherwise."""

SessionIdPath = Annotated[
    str,
    PathParameter(
        pattern=r"^[A-Za-z0-9_-]{1,40}$",
        description="The session's id.",
        schema_extra={"examples": ["docs-1"]},
    ),
]
"""`{session_id:str}` of a path."""

UpdatedSinceQuery = Annotated[
    str | None,
    QueryParameter(name="updatedSince", max_length=40, description="A moment with an offset."),
]
"""`updatedSince` of a list that can be swept; read it by `moment_parameter`."""


def moment_parameter(name: str, text: str | None) -> datetime | None:
    """Read a query parameter that is a moment with an offset. Raises `InvalidInput`.

    The framework's own datetime accepts `1` and local times.
    """
    if text is None:
        return None
    try:
        # An unescaped plus sign arrives as a space.
        return read_moment(text.replace(" ", "+") if text.count(" ") == 1 and "T" in text else text)
    except PydanticCustomError as error:
        problem = FieldProblem(name, error.message())
        raise InvalidInput(f"{name} {error.message()}.", problems=(problem,)) from error
