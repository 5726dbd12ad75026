"""What admins set and see of recovery."""

from typing import Annotated

from litestar import Controller, get, patch, post, put
from litestar.params import JSONBody, QueryParameter

from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope
from service.recovery.controllers.page import recovering_of
from service.recovery.operations.by_hand import list_recoveries, send_one
from service.recovery.operations.lift import lift
from service.recovery.operations.policies import pause, read_policy, set_policy
from service.recovery.operations.previewing import preview
from service.recovery.schemas import (
    LiftAnswer,
    PauseRecovery,
    PolicyAnswer,
    PutRecovery,
    RecoveriesAnswer,
    RecoveryAnswer,
    RecoveryPreviewAnswer,
    lift_answer,
    policy_answer,
    preview_answer,
    recovery_view,
)
from service.recovery.states import RecoveryStatus
from service.web.authentication import AnyRequest, CurrentPrincipal, on_behalf_of, requires
from service.web.parameters import (
    PAGE_SIZE,
    MerchantQuery,
    PageCursor,
    PageLimit,
    SessionIdPath,
)

_WRITES = requires(AccessScope.RECOVERY_WRITE)
_MOST_DAYS = 180
Days = Annotated[int, QueryParameter(ge=1, le=_MOST_DAYS, description="How many days back.")]


class AdminRecovery(Controller):
    """Sessions that were left unpaid, and reminders of them. Operators may name a merchant."""

    path = "/api/admin/recovery"
    tags = ["Recovery"]
    opt = requires(AccessScope.RECOVERY_READ)

    @get("/policy", operation_id="readRecoveryPolicy", summary="Read how customers are reminded")
    async def policy(
        self, principal: CurrentPrincipal, request: AnyRequest, merchant: MerchantQuery = None
    ) -> PolicyAnswer:
        """`enabled` is false where nobody is."""
        whose = on_behalf_of(principal, merchant).merchant_id
        return policy_answer(await read_policy(whose, recovering_of(request)))

    @put(
        "/policy",
        opt=_WRITES,
        operation_id="setRecoveryPolicy",
        summary="Set how customers are reminded",
    )
    async def set(
        self,
        data: JSONBody[PutRecovery],
        principal: CurrentPrincipal,
        request: AnyRequest,
        merchant: MerchantQuery = None,
    ) -> PolicyAnswer:
        """Of sessions that are left from now on, where their customers agreed to be written to."""
        by = on_behalf_of(principal, merchant)
        return policy_answer(await set_policy(data.wished(), by, recovering_of(request)))

    @patch(
        "/policy", opt=_WRITES, operation_id="pauseReminders", summary="Pause or resume reminders"
    )
    async def pause(
        self,
        data: JSONBody[PauseRecovery],
        principal: CurrentPrincipal,
        request: AnyRequest,
        merchant: MerchantQuery = None,
    ) -> PolicyAnswer:
        """Nothing is sent while they are paused; what customers do is still counted."""
        by, services = on_behalf_of(principal, merchant), recovering_of(request)
        return policy_answer(await pause(by, services, paused=data.paused, reason=data.reason))

    @get("/", operation_id="listRecoveries", summary="List the sessions that were left")
    async def recoveries(
        self,
        principal: CurrentPrincipal,
        status: Annotated[RecoveryStatus | None, QueryParameter(name="status")] = None,
        merchant: MerchantQuery = None,
        limit: PageLimit = PAGE_SIZE,
        cursor: PageCursor = None,
    ) -> RecoveriesAnswer:
        """Newest first: those whose customers agreed to be written to."""
        whose = on_behalf_of(principal, merchant).merchant_id
        found, following = await list_recoveries(
            whose, status, cursor=cursor_of(cursor), limit=limit
        )
        return RecoveriesAnswer([recovery_view(one) for one in found], next_cursor(following))

    @get("/lift", operation_id="readLift", summary="What reminders bring")
    async def lift(
        self,
        principal: CurrentPrincipal,
        request: AnyRequest,
        days: Days = 30,
        merchant: MerchantQuery = None,
    ) -> LiftAnswer:
        """Those reminded against those held out, and the money that came."""
        whose = on_behalf_of(principal, merchant).merchant_id
        return lift_answer(await lift(whose, days, recovering_of(request)))

    @get("/{session_id:str}/preview", operation_id="previewReminder", summary="Preview a reminder")
    async def preview(
        self,
        session_id: SessionIdPath,
        principal: CurrentPrincipal,
        request: AnyRequest,
        merchant: MerchantQuery = None,
    ) -> RecoveryPreviewAnswer:
        """When the next one is due or why there is none, and the mail."""
        whose = on_behalf_of(principal, merchant).merchant_id
        return preview_answer(await preview(session_id, whose, recovering_of(request)))

    @post(
        "/{session_id:str}/send",
        opt=_WRITES,
        status_code=200,
        operation_id="sendReminder",
        summary="Remind a customer now",
    )
    async def send(
        self,
        session_id: SessionIdPath,
        principal: CurrentPrincipal,
        request: AnyRequest,
        merchant: MerchantQuery = None,
    ) -> RecoveryAnswer:
        """Whatever hour it is; 409 says why somebody is not written to."""
        by = on_behalf_of(principal, merchant)
        return RecoveryAnswer(recovery_view(await send_one(session_id, by, recovering_of(request))))
