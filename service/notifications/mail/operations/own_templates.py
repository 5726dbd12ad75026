"""A merchant's own templates: kept once they can be filled in, previewed, and given up again."""

from datetime import timedelta

from service.audit.operations import Act, record
from service.core.errors import FieldProblem
from service.core.principal import Principal
from service.core.strict_json import JsonObject
from service.notifications.mail import repository
from service.notifications.mail.documents import MailTemplate
from service.notifications.mail.errors import TemplateNotFound, TemplateRefused
from service.notifications.mail.operations.compose import merchant_of
from service.notifications.mail.operations.render import Rendered, Wanted, render_strictly
from service.notifications.mail.operations.services import MailServices
from service.notifications.mail.operations.templating import LARGEST_SOURCE, check
from service.notifications.mail.operations.words import language, layout, price, share, time
from service.notifications.mail.states import TEMPLATES, Template
from service.storage.answering import answers_in_time
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

PARTS = ("subject", "html", "text")


def template_named(name: str) -> Template:
    """Return a template. Raises `TemplateNotFound`."""
    if (found := TEMPLATES.get(name)) is None:
        raise TemplateNotFound(name, ", ".join(sorted(TEMPLATES)))
    return found


async def read_template(name: str, merchant_id: str) -> MailTemplate | None:
    """Return a merchant's own version of a template, None where it has the premade one."""
    template_named(name)
    async with answers_in_time():
        return await repository.own_template(merchant_id, name)


async def premade(name: str, merchant_id: str, services: MailServices) -> MailTemplate:
    """Return the premade template in a merchant's language, to begin one's own with."""
    template_named(name)
    async with answers_in_time():
        merchant = await merchant_of(merchant_id, services)
    return MailTemplate(
        id="",
        merchant_id=merchant_id,
        template=name,
        subject=language(merchant.language).templates[name].subject,
        html=layout("mail.html"),
        text=layout("mail.txt"),
        updated_at=services.clock.now(),
    )


async def preview(
    name: str, merchant_id: str, services: MailServices, own: MailTemplate | None = None
) -> Rendered:
    """Fill in a template with examples: `own`, or as it would be sent. Raises `TemplateRefused`."""
    template = template_named(name)
    async with answers_in_time():
        merchant = await merchant_of(merchant_id, services)
        kept = own or await repository.own_template(merchant_id, name)
    unsubscribe = "" if template.receipt else f"{services.public_url}/mail/unsubscribe"
    return render_strictly(Wanted(name, examples(name, services), unsubscribe), merchant, kept)


async def put_template(
    name: str, parts: dict[str, str | None], by: Principal, services: MailServices
) -> MailTemplate:
    """Keep a merchant's own template, on the record, once it can be filled in.

    Parts that are None are as premade. Raises `TemplateNotFound`, and `TemplateRefused` with the
    part at fault.
    """
    now, own = services.clock.now(), own_of(name, parts, by, services)
    await preview(name, by.merchant_id, services, own)

    async def work(tx: Transaction) -> None:
        before = await repository.own_template(by.merchant_id, name, tx)
        await repository.put_template(own, tx)
        detail: JsonObject = {
            part: "changed" for part in PARTS if getattr(own, part) != getattr(before, part, None)
        }
        await record(tx, by, Act("mail.template_set", f"mail_template:{name}", detail=detail), now)

    await in_transaction(work)
    return own


def own_of(
    name: str, parts: dict[str, str | None], by: Principal, services: MailServices
) -> MailTemplate:
    """Return a template as a merchant would keep it.

    Raises `TemplateNotFound`, and `TemplateRefused` with the part at fault.
    """
    template_named(name)
    own = MailTemplate(
        id=f"{by.merchant_id}:{name}",
        merchant_id=by.merchant_id,
        template=name,
        updated_at=services.clock.now(),
        **parts,
    )
    _check_parts(own)
    return own


async def drop_template(name: str, by: Principal, services: MailServices) -> None:
    """Have a merchant's mails be as premade again, on the record."""
    template_named(name)

    async def work(tx: Transaction) -> None:
        if await repository.drop_template(by.merchant_id, name, tx):
            act = Act("mail.template_reset", f"mail_template:{name}")
            await record(tx, by, act, services.clock.now())

    await in_transaction(work)


def _check_parts(own: MailTemplate) -> None:
    for part in PARTS:
        source = getattr(own, part)
        try:
            if source is not None:
                check(source)
        except TemplateRefused as error:
            problem = FieldProblem(part, error.message[:LARGEST_SOURCE])
            raise TemplateRefused(f"{part}: {error.message}", problems=(problem,)) from error


def examples(name: str, services: MailServices) -> JsonObject:
    """Return values as they might be, for a preview."""
    now = services.clock.now()
    values: JsonObject = {
        "alert": "The review queue is not empty",
        "amount": price(1_299_00, 2, "EUR"),
        "deadline": time(now + timedelta(days=3)),
        "detail": "The oldest review has waited for 2 hours.",
        "dispute": "dp_example",
        "hash": "0" * 64,
        "item": "One evening",
        "link": f"{services.public_url}/resume",
        "page": f"{services.public_url}/dashboard",
        "payment": "pi_example",
        "provider": "Stripe",
        "quantity": "2",
        "reason": "requested by the customer",
        "refund": "rf-example",
        "rule": "review_queue",
        "session": "ps_example",
        "since": time(now - timedelta(days=7), day_alone=True),
        "until": time(now - timedelta(days=1), day_alone=True),
        "test": False,
        "when": time(now),
    }
    if name == "weekly_summary":
        values["rows"] = [_example_report("EUR", 2), _example_report("JPY", 0)]
    if name == "monthly_report":
        values["rows"] = [_example_report("EUR", 2)]
    return values


def _example_report(currency: str, places: int) -> JsonObject:
    return {
        "currency": currency,
        "sessions": 60,
        "completed": 37,
        "conversionRate": share(61.67),
        "revenue": price(4_812_00, places, currency),
        "refunded": price(129_00, places, currency),
        "lost": price(0, places, currency),
        "netRevenue": price(4_683_00, places, currency),
        "transactions": 42,
        "successful": 37,
        "failed": 5,
        "adjustments": 1,
        "adjusted": price(-20_00, places, currency),
    }
