"""`tillgate recovery`: how customers who left are reminded, and what that brings."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import rich_click as click
from pydantic.alias_generators import to_camel

from service.cli.container import T, with_container
from service.cli.listing import Cell, Found, lists, page_of
from service.cli.options import data_dir_option, merchant_option, operator
from service.cli.screen import say, show, show_table
from service.core.money import exponent, to_major
from service.core.paging import cursor_of
from service.core.words import moment
from service.recovery.documents import RecoveryPolicy
from service.recovery.operations.by_hand import list_recoveries, send_one
from service.recovery.operations.lift import ArmCount, lift
from service.recovery.operations.policies import Wished, pause, read_policy, set_policy
from service.recovery.operations.previewing import preview
from service.recovery.operations.services import RecoveryServices
from service.recovery.schemas import lift_answer, policy_answer, preview_answer, wished_of
from service.recovery.states import RecoveryStatus

_STATUSES = [one.value for one in RecoveryStatus]
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_session_argument = click.argument("session_id", metavar="SESSION")


@click.group()
def command() -> None:
    """Remind customers who left before they paid, and measure what that brings."""


@command.command("policy")
@_json_option
@merchant_option
@data_dir_option
def policy(*, as_json: bool, merchant: str, data_dir: Path) -> None:
    """Show how a merchant's customers are reminded."""
    found = _with_services(data_dir, lambda services: read_policy(merchant, services))
    _show_policy(found, as_json=as_json)


@command.command("set")
@click.option("--after", multiple=True, type=click.IntRange(1, 23), help="Hours; up to three.")
@click.option("--quiet", nargs=2, type=click.IntRange(0, 23), help="From one hour to another.")
@click.option("--held-out", type=click.IntRange(0, 50), help="Percentage not reminded.")
@click.option("--most-a-day", type=click.IntRange(1, 1_000_000))
@click.option("--most-a-customer", type=click.IntRange(1, 30), help="In --customer-days.")
@click.option("--customer-days", type=click.IntRange(1, 90))
@click.option("--mail/--no-mail", default=None, help="Whether Tillgate mails, or the event alone.")
@click.option("--on/--off", "enabled", default=True, show_default=True)
@merchant_option
@data_dir_option
def set_(data_dir: Path, merchant: str, **given: object) -> None:
    """Have a merchant's customers reminded; what is left out stays as it is."""

    async def work(services: RecoveryServices) -> RecoveryPolicy:
        before = await read_policy(merchant, services)
        return await set_policy(_wished(before, given), operator(merchant), services)

    _show_policy(_with_services(data_dir, work), as_json=False)


@command.command("pause")
@click.option("--reason", help="Stands in the audit trail.")
@merchant_option
@data_dir_option
def pause_(reason: str | None, merchant: str, data_dir: Path) -> None:
    """Send no reminders of a merchant until they are resumed."""
    _pause(data_dir, merchant, reason, paused=True)


@command.command("resume")
@click.option("--reason", help="Stands in the audit trail.")
@merchant_option
@data_dir_option
def resume_(reason: str | None, merchant: str, data_dir: Path) -> None:
    """Send a merchant's reminders again."""
    _pause(data_dir, merchant, reason, paused=False)


@command.command("list")
@click.option("--status", type=click.Choice(_STATUSES), help="Of one status; otherwise of all.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@click.option("--cursor", help="Where the last page ended.")
@merchant_option
@data_dir_option
@lists
def list_(
    status: str | None, limit: int, cursor: str | None, merchant: str, data_dir: Path
) -> Found:
    """List the sessions that were left, newest first."""
    place = cursor_of(cursor)
    wanted = RecoveryStatus(status) if status else None
    found, following = _with_services(
        data_dir, lambda _: list_recoveries(merchant, wanted, cursor=place, limit=limit)
    )
    rows = [
        (
            Cell(moment(one.left_at), one.left_at),
            one.session_id,
            one.item,
            one.arm,
            one.status,
            one.reminders,
            Cell(moment(one.next_at), one.next_at),
        )
        for one in found
    ]
    columns = ("left", "session", "item", "arm", "status", "reminders", "next")
    return page_of("recoveries", columns, rows, following, empty="No session was left.")


@command.command("preview")
@_session_argument
@merchant_option
@data_dir_option
def preview_(session_id: str, merchant: str, data_dir: Path) -> None:
    """Show when a session's next reminder is due, or why there is none, and the mail."""
    found = _with_services(data_dir, lambda services: preview(session_id, merchant, services))
    show(_json(preview_answer(found)))


@command.command("send")
@_session_argument
@merchant_option
@data_dir_option
def send(session_id: str, merchant: str, data_dir: Path) -> None:
    """Remind a session's customer now, whatever hour it is."""
    found = _with_services(
        data_dir, lambda services: send_one(session_id, operator(merchant), services)
    )
    say(f"{found.session_id}: reminder {found.reminders} goes out.")


@command.command("lift")
@click.option("--days", type=click.IntRange(1, 180), default=30, show_default=True)
@_json_option
@merchant_option
@data_dir_option
def lift_(days: int, *, as_json: bool, merchant: str, data_dir: Path) -> None:
    """Compare who was reminded with who was held out, and add up the money that came."""
    found = _with_services(data_dir, lambda services: lift(merchant, days, services))
    if as_json:
        show(_json(lift_answer(found)))
        return
    columns = ("arm", "counted", "paid", "share", "still waiting", "reminders")
    arms = (("reminded", found.reminded), ("held out", found.held_out))
    show_table(columns, [_arm(name, one) for name, one in arms], empty="")
    if (by := found.difference) is not None:
        say(f"Difference: {by.by:+.1%}, between {by.low:+.1%} and {by.high:+.1%} (95 %).")
    for one in found.money:
        places = exponent(one.currency)
        net, paid = to_major(one.net, places), to_major(one.paid, places)
        say(f"{one.arm}: {one.currency} {net} net of {paid}, in {one.payments} payments.")


def _with_services(data_dir: Path, do: Callable[[RecoveryServices], Awaitable[T]]) -> T:
    return with_container(data_dir, lambda container: do(container.recovering))


def _arm(name: str, arm: ArmCount) -> tuple[object, ...]:
    share = "" if arm.rate is None else f"{arm.rate:.1%}"
    return (name, arm.counted, arm.paid, share, arm.waiting, arm.reminders)


def _wished(before: RecoveryPolicy, given: dict[str, object]) -> Wished:
    """Return a policy with what is given, as the route would take it. Raises `InvalidInput`."""
    fields = {name: getattr(before, name) for name in Wished.__struct_fields__}
    quiet = given.pop("quiet", None)
    if isinstance(quiet, tuple) and quiet:
        fields["quiet_from"], fields["quiet_until"] = quiet
    if after := given.pop("after", None):
        fields["after"] = sorted(set(after)) if isinstance(after, tuple) else after
    fields |= {name: value for name, value in given.items() if value is not None}
    body = {to_camel(name): value for name, value in fields.items()}
    return wished_of(body)


def _pause(data_dir: Path, merchant: str, reason: str | None, *, paused: bool) -> None:
    by = operator(merchant)
    found = _with_services(
        data_dir, lambda services: pause(by, services, paused=paused, reason=reason)
    )
    say(f"Reminders of {merchant} are {'paused' if found.paused else 'sent'}.")


def _show_policy(found: RecoveryPolicy, *, as_json: bool) -> None:
    view = policy_answer(found).recovery
    if as_json:
        show(_json(view))
        return
    shown = msgspec.to_builtins(view)
    show_table(("setting", "value"), [*shown.items()], empty="")


def _json(view: object) -> str:
    return msgspec.json.format(msgspec.json.encode(view)).decode()
