"""The chaos page: the standing rule, and the checkouts that were opened last."""

from collections.abc import Sequence

from litestar import Response

from tillgate_sandbox.chaos import Chaos
from tillgate_sandbox.pages.chaos_form import chaos_form
from tillgate_sandbox.pages.frame import PAGES
from tillgate_sandbox.pages.views import CheckoutView
from tillgate_sandbox.pages.words import FAULTS, PROVIDERS


def chaos_page(standing: Chaos, checkouts: Sequence[CheckoutView]) -> Response[str]:
    """Show the page."""
    return PAGES.show(
        "chaos.html",
        form=chaos_form(standing),
        checkouts=[(view, _faults(view)) for view in checkouts],
        providers=PROVIDERS,
    )


def _faults(view: CheckoutView) -> str:
    if not view.has_own_chaos:
        return "standing rule"
    return ", ".join(FAULTS[fault][0] for fault in view.chaos.faults) or "none"
