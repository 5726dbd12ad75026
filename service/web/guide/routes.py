"""/docs/guide: the site that `make docs` built beside the code, in development only."""

import base64
import mimetypes
import re
from hashlib import sha256
from pathlib import Path

from litestar import MediaType, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

import service
from service.web.authentication import PUBLIC
from service.web.limits.rate_limits import UNLIMITED
from service.web.pages.assets import SHARED
from service.web.pages.rendering import Pages

BUILT = Path(service.__file__).parents[1] / "dist" / "guide"
"""Where `make docs` puts the site. An image and a wheel have none."""

_HOME = "index.html"
_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_POLICY = (
    "default-src 'none'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'self'"
)
_PAGES = Pages(SHARED)


def guide_routes(built: Path) -> Router:
    """Build the routes over a folder; open to everybody. It is looked for at each request."""

    @get("/docs/guide", sync_to_thread=False)
    def home() -> Response[str] | Redirect:
        """Lead to the site, or say how it is made."""
        if (built / _HOME).is_file():
            return Redirect(f"/docs/guide/{_HOME}", status_code=307)
        return _PAGES.show("no_guide.html")

    @get("/docs/guide/{path:path}", sync_to_thread=False)
    def file(path: FromPath[Path]) -> Response[bytes]:
        """Return a file of the site."""
        try:
            found = (built / str(path).lstrip("/")).resolve()
            if not found.is_relative_to(built.resolve()) or not found.is_file():
                raise NotFoundException
        except (ValueError, OSError) as error:  # a name that no file can have
            raise NotFoundException from error
        content = found.read_bytes()
        kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
        headers = {"Cache-Control": "no-cache"}
        if kind == MediaType.HTML:
            headers["Content-Security-Policy"] = _policy_of(content)
            kind = "text/html; charset=utf-8"
        return Response(content, media_type=kind, headers=headers)

    return Router(
        "/",
        route_handlers=[home, file],
        opt={PUBLIC: True, UNLIMITED: True},
        include_in_schema=False,
    )


def _policy_of(page: bytes) -> str:
    """Return a policy that allows the page's own inline scripts, and no other."""
    hashes = {base64.b64encode(sha256(one).digest()).decode() for one in _SCRIPT.findall(page)}
    return _POLICY.format(scripts="".join(f" 'sha256-{one}'" for one in sorted(hashes)))
