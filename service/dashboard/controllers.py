"""All routes of the dashboard."""

from litestar import Router
from litestar.di import Provide

from service.dashboard.alerts.controllers import AlertPages
from service.dashboard.disputes.controllers import DisputePages
from service.dashboard.endpoints.controllers import EndpointPages
from service.dashboard.figures.controllers import FiguresPages
from service.dashboard.frame import ASSETS
from service.dashboard.landing import landing_route
from service.dashboard.leads.controllers import LeadPages
from service.dashboard.login.controllers import Login
from service.dashboard.login.services import LoginServices
from service.dashboard.mail.controllers import MailPages
from service.dashboard.operating.controllers import OperationsPages
from service.dashboard.payments.controllers import PaymentPages
from service.dashboard.recovery.controllers import RecoveryPages
from service.dashboard.refunds.controllers import RefundPages
from service.dashboard.reports.controllers import ReportPages
from service.dashboard.reviews.controllers import ReviewPages
from service.dashboard.sessions.controllers import SessionPages
from service.dashboard.subscriptions.controllers import SubscriptionPages
from service.extension import Mounted
from service.web.authentication import PUBLIC
from service.web.pages.assets import SHARED


def dashboard_routes(
    home: str, login: LoginServices, extension: Mounted | None, *, guide: bool
) -> Router:
    """Build the start page, the dashboard, whose login asks for a key, and what all pages share.

    `home` is the address under which people reach the service. `guide`: it shows the docs as well.
    """
    return Router(
        "/",
        route_handlers=[
            *(SHARED.route(), ASSETS.route(), Login, SessionPages, OperationsPages),
            landing_route(home, extension, guide=guide),
            *(PaymentPages, SubscriptionPages, RefundPages, ReviewPages, DisputePages),
            *(AlertPages, MailPages, EndpointPages, LeadPages, RecoveryPages),
            *(FiguresPages, ReportPages),
        ],
        dependencies={
            "login": Provide(lambda: login, sync_to_thread=False),
            "extension": Provide(lambda: extension, sync_to_thread=False),
        },
        opt={PUBLIC: True},
        include_in_schema=False,
    )
