"""The web layer as one plugin: what all applications of this service have in common."""

from litestar import Router
from litestar.config.app import AppConfig
from litestar.di import Provide
from litestar.plugins import InitPlugin, PluginProtocol
from litestar.plugins.pydantic import (
    PydanticDIPlugin,
    PydanticInitPlugin,
    PydanticSchemaPlugin,
)

from service.core.clock import Clock
from service.web.authentication import CheckMerchant, accept_every_merchant, provide_principal
from service.web.client.routes import client_routes
from service.web.cors import cors_config
from service.web.docs.openapi import openapi_config
from service.web.docs.page import docs_routes
from service.web.error_pages.routes import error_routes
from service.web.gate import Gate, gate_of
from service.web.guide.routes import BUILT, guide_routes
from service.web.health import Readiness, Stuck, health_routes
from service.web.problems import exception_handlers
from service.web.requests import AnyRequest, StrictRequest
from service.web.settings import HttpSettings
from service.web.short_way import check_call
from service.web.wire import decode_wire_model, is_wire_model


def web_layer(
    settings: HttpSettings,
    clock: Clock,
    readiness: Readiness,
    stuck: Stuck = lambda: False,
    check_merchant: CheckMerchant = accept_every_merchant,
) -> list[PluginProtocol]:
    """Build the plugins of an application; `put_edge_around` it afterwards.

    `stuck` returns whether the driver is stuck, `check_merchant` refuses callers whose merchant is
    suspended. Raises `Misconfigured` for settings that contradict each other.
    """
    return [
        # Not `PydanticPlugin`, which puts its own decoder before ours. Answers are camelCase.
        PydanticInitPlugin(prefer_alias=True),
        PydanticSchemaPlugin(prefer_alias=True),
        PydanticDIPlugin(),
        WebLayer(
            settings, gate_of(settings, clock, check_merchant), health_routes(readiness, stuck)
        ),
    ]


class WebLayer(InitPlugin):
    """Sets middleware, error handlers, request class, routes and documents of an application."""

    def __init__(self, settings: HttpSettings, gate: Gate, health: Router) -> None:
        """Build all parts, so that a wrong setting is reported before anything is served."""
        self.gate = gate
        self._cors = cors_config(settings)
        self._health = health
        # For whoever develops: an image has no such site, and needs none.
        self._guide = [] if settings.web.production else [guide_routes(BUILT)]

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Complete the configuration of the application."""
        app_config.state["gate"] = self.gate
        app_config.middleware = [self.gate, *app_config.middleware]
        app_config.exception_handlers = {**exception_handlers(), **app_config.exception_handlers}
        app_config.request_class = StrictRequest
        app_config.before_request = _check_call
        app_config.type_decoders = [
            (is_wire_model, decode_wire_model),
            *(app_config.type_decoders or []),
        ]
        app_config.dependencies = {
            "principal": Provide(provide_principal),
            **app_config.dependencies,
        }
        app_config.cors_config = self._cors
        app_config.openapi_config = openapi_config()
        app_config.logging_config = None  # the error handlers log, by structlog
        app_config.route_handlers = [
            self._health,
            docs_routes(),
            client_routes(),
            error_routes(),
            *self._guide,
            *app_config.route_handlers,
        ]
        return app_config


async def _check_call(request: AnyRequest) -> None:
    check_call(request.scope)
