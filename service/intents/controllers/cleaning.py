"""How leads are kept, and what deletes them."""

from datetime import timedelta
from typing import Annotated, Literal

from litestar import Controller, delete, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter

from service.core.principal import Principal
from service.intents.controllers.sharing import DELETERS, PATH, READERS, TAGS, services_of
from service.intents.errors import wrong_field
from service.intents.operations.browse import (
    delete_intent,
)
from service.intents.operations.cleanup import clean_up
from service.intents.operations.health import health_of, recommendations
from service.intents.operations.orders import EMERGENCY_DAYS, Order
from service.intents.operations.services import IntentServices
from service.intents.schemas.answers import (
    DeletedAnswer,
    DeletedIntent,
)
from service.intents.schemas.figures import (
    CleanedAnswer,
    HealthAnswer,
    cleaned_answer,
    health_answer,
)
from service.intents.schemas.queries import (
    CleanUpIntents,
)
from service.web.authentication import AnyRequest, CurrentPrincipal


class IntentCleanup(Controller):
    """What becomes of old leads."""

    path = PATH
    tags = TAGS

    @get("/cleanup", opt=READERS, operation_id="readLeadsHealth", summary="See how leads are kept")
    async def health(
        self,
        request: AnyRequest,
        principal: CurrentPrincipal,
        action: Annotated[Literal["health", "recommendations"], QueryParameter()] = "health",
    ) -> HealthAnswer:
        """Both actions return the same: how leads are kept, and what should be done about it."""
        services = services_of(request)
        found = await health_of(principal.merchant_id, services)
        return health_answer(found, recommendations(found, services), services)

    @post(
        "/cleanup",
        opt=DELETERS,
        status_code=200,
        operation_id="deleteOldLeads",
        summary="Delete old leads",
    )
    async def clean_up(
        self, data: JSONBody[CleanUpIntents], request: AnyRequest, principal: CurrentPrincipal
    ) -> CleanedAnswer:
        """Archived before, where that is set; only counted, unless `dryRun` is `false`."""
        services, days = services_of(request), data.retention_days
        keep_for = services.keep_for if days is None else timedelta(days=days)
        archive = data.archive_before_delete
        order = Order(
            before=services.clock.now() - keep_for,
            dry_run=data.dry_run,
            archive=services.archive_dir is not None if archive is None else archive,
            compress=data.compress_old_files,
        )
        return await _cleaned(order, principal, services)

    @delete(
        "/cleanup",
        opt=DELETERS,
        status_code=200,
        operation_id="deleteEarlierLeads",
        summary="Delete all but the latest leads",
    )
    async def emergency(
        self,
        request: AnyRequest,
        principal: CurrentPrincipal,
        confirm: Annotated[str | None, QueryParameter(max_length=10)] = None,
    ) -> CleanedAnswer:
        """Leave those of 30 days, at once; `confirm=yes` is required."""
        if confirm != "yes":
            raise wrong_field("confirm", "must be yes: this deletes all leads older than 30 days")
        services = services_of(request)
        order = Order(
            before=services.clock.now() - timedelta(days=EMERGENCY_DAYS),
            dry_run=False,
            archive=services.archive_dir is not None,
            compress=True,
        )
        return await _cleaned(order, principal, services)

    @delete(
        "/{intent_id:str}",
        opt=DELETERS,
        status_code=200,
        operation_id="deleteLead",
        summary="Delete a lead",
    )
    async def remove(
        self,
        intent_id: Annotated[str, PathParameter(max_length=255, description="The lead's id.")],
        request: AnyRequest,
        principal: CurrentPrincipal,
    ) -> DeletedAnswer:
        """404 where there is none; on the record."""
        await delete_intent(intent_id, principal, services_of(request))
        return DeletedAnswer(data=DeletedIntent(deleted=True, id=intent_id))


async def _cleaned(order: Order, by: Principal, services: IntentServices) -> CleanedAnswer:
    return cleaned_answer(await clean_up(order, by, services), order)
