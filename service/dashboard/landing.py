"""The start page: what is here, for whoever typed the address alone."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from service.dashboard.frame import PAGES
from service.extension import Mounted
from service.web.client.builds import newest_build


def landing_route(home: str, extension: Mounted | None, *, guide: bool) -> HTTPRouteHandler:
    """Build the route of a service whose public address is `home`; open to everybody."""
    pages = extension.pages if extension is not None else ()

    @get("/", sync_to_thread=False)
    def landing() -> Response[str]:
        """Show where everything is."""
        return PAGES.show(
            "landing.html", pages=pages, home=home, guide=guide, client=newest_build()
        )

    return landing
