"""A report as a file: a page that prints and mails, or a table."""

from functools import partial
from typing import Annotated, Any, Literal

from litestar import Response
from litestar.params import QueryParameter
from msgspec import Struct

from service.analytics.schemas.common import FiguresAnswer
from service.core.money import exponent, to_major
from service.web.pages.assets import Assets
from service.web.pages.rendering import Pages

FormatQuery = Annotated[Literal["json", "csv", "html"], QueryParameter(name="format")]

_PAGES = Pages(Assets("service.reports", "/reports/assets"))
_DOCUMENT = _PAGES.policy_of_a_document("report.css")


def page_of(template: str, answer: FiguresAnswer, report: Struct) -> Response[Any]:
    """Return a report as one page: nothing is loaded, and nothing runs in it."""
    price = partial(to_major, places=exponent(answer.currency))
    return _PAGES.show(template, policy=_DOCUMENT, answer=answer, report=report, price=price)


def csv_file(name: str, content: bytes) -> Response[Any]:
    """Return a report as a table that is kept under a name."""
    kept = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="text/csv", headers=kept)
