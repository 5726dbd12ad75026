"""Pages, rendered from templates: every value is escaped, and an unknown name is an error."""

import base64
from datetime import datetime
from hashlib import sha256

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Response

from service.core.visible import visible
from service.core.words import moment
from service.web.pages.assets import SHARED, Assets

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""No inline script or style, nothing from other origins. `data:` is for QR codes."""


class Pages:
    """The pages of one room: its folder `templates`, above those that all rooms share.

    In a template `asset(name)` is the URL of a file of the room, `shared(name)` of a shared one.
    """

    def __init__(self, assets: Assets) -> None:
        """Find the templates. Each is compiled when first shown, and cached."""
        self._templates = Environment(
            loader=ChoiceLoader([PackageLoader(assets.package), PackageLoader(SHARED.package)]),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_shown,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals |= {"shared": SHARED.url, "asset": assets.url}
        self._templates.filters |= {"time": _time, "moment": moment}

    def show(
        self, template: str, *, status_code: int = 200, policy: str = POLICY, **values: object
    ) -> Response[str]:
        """Answer with a page. It is never cached: it shows a state that changes."""
        return Response(
            self._templates.get_template(template).render(values),
            status_code=status_code,
            media_type=MediaType.HTML,
            headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"},
        )

    def policy_of_a_document(self, style: str) -> str:
        """Return the policy of a page that is kept as a file: nothing but its one inline style.

        `style` is the template that it includes; only its very text is allowed.
        """
        text = self._templates.get_template(style).render()
        hashed = base64.b64encode(sha256(text.encode()).digest()).decode()
        return (
            f"default-src 'none'; style-src 'sha256-{hashed}'; form-action 'none'; "
            "frame-ancestors 'none'; base-uri 'none'"
        )


def _shown(value: object) -> object:
    """Return a value for a template: nothing for None, invisible characters escaped."""
    if value is None:
        return ""
    # What has `__html__` was rendered by a template: its values have been through here.
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _time(at: datetime) -> str:
    return f"{at:%T}.{at.microsecond // 1000:03d}"
