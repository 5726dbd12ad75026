"""The page that asks for an admin key."""

from litestar import Response

from service.dashboard.frame import PAGES


def login_page(
    token: str, following: str, problem: str | None = None, status: int = 200
) -> Response[str]:
    """Show the form; `following` is the page to open afterwards."""
    return PAGES.show(
        "login.html", status_code=status, token=token, following=following, problem=problem
    )
