"""Make the text of a mail: premade or a merchant's own, in its language, HTML and plain."""

import re
from collections.abc import Mapping

from css_inline import CSSInliner, InlineError
from msgspec import Struct

from service.core.strict_json import JsonObject
from service.core.visible import visible
from service.merchants.documents import Merchant
from service.notifications.mail.documents import MailTemplate
from service.notifications.mail.errors import TemplateRefused
from service.notifications.mail.operations.templating import fill
from service.notifications.mail.operations.words import Words, language, layout, written
from service.notifications.mail.states import TEMPLATES

# What a template may name; each is empty where a mail has none of it.
VALUES = (
    *(
        "alert",
        "amount",
        "deadline",
        "detail",
        "dispute",
        "hash",
        "item",
        "link",
        "page",
        "payment",
        "provider",
    ),
    *("quantity", "reason", "refund", "rule", "session", "since", "until", "when"),
)
_LONGEST_SUBJECT, _LONGEST_LINE = 200, 1_000
# Not the blank that does not break, which stands between an amount and its currency.
_BLANKS = re.compile(r"[ \t\r\n]+")
_MOST_TAGS, _MOST_STYLED, _LONGEST_HTML = 2_000, 80_000_000, 1_000_000
_INLINER = CSSInliner(load_remote_stylesheets=False, keep_style_tags=False)
_READER = CSSInliner(load_remote_stylesheets=False, inline_style_tags=False)


class Rendered(Struct, frozen=True):
    """A mail as it is read. `flaw`: the merchant's own template failed, and this is the premade."""

    subject: str
    html: str
    text: str
    flaw: str | None = None


class Wanted(Struct, frozen=True):
    """Which mail is to be made: of which template, of what, and the link that ends such mails."""

    template: str
    values: JsonObject
    unsubscribe: str = ""


def render(wanted: Wanted, merchant: Merchant, own: MailTemplate | None) -> Rendered:
    """Make a mail. A merchant's own template that fails is replaced by the premade one."""
    if own is None:
        return render_strictly(wanted, merchant, None)
    try:
        return render_strictly(wanted, merchant, own)
    except TemplateRefused as error:
        made = render_strictly(wanted, merchant, None)
        return Rendered(made.subject, made.html, made.text, flaw=error.message)


def render_strictly(wanted: Wanted, merchant: Merchant, own: MailTemplate | None) -> Rendered:
    """Make a mail, of a merchant's own parts where it has some. Raises `TemplateRefused`."""
    values = _values(wanted, merchant)
    said = _own(own, "subject") or str(values["subject"])
    values["subject"] = subject = _line(said, values)[:_LONGEST_SUBJECT]
    html = fill(_own(own, "html") or layout("mail.html"), values, html=True)
    text = fill(_own(own, "text") or layout("mail.txt"), values, html=False)
    try:
        if _own(own, "html") is not None:
            _check_html(html)
        made = _INLINER.inline(html)
    except InlineError as error:
        says = str(error).rstrip(".")
        raise TemplateRefused(f"The HTML's styles can't be put inline: {says}.") from error
    if len(made) > _LONGEST_HTML:
        raise TemplateRefused(f"A mail's HTML has at most {_LONGEST_HTML} characters with styles.")
    return Rendered(subject, made, text)


def _check_html(html: str) -> None:
    """Refuse what the inliner would not survive. Raises `TemplateRefused`, `InlineError`.

    It goes down into elements by recursion: at 12,000 of them in one another it ends the process.
    And a style is written into each element that it is about: 300 kB would become gigabytes. How
    many elements there are is known once it was read: who leaves some open has them opened again.
    """
    if (tags := html.count("<")) > _MOST_TAGS:
        raise TemplateRefused(f"The HTML has {tags} tags, and at most {_MOST_TAGS}.")
    read = _READER.inline(html)
    styled = read.count("<") * len(html)
    if len(read) > _LONGEST_HTML or styled > _MOST_STYLED:
        raise TemplateRefused("The HTML is too large for its styles: have fewer tags, or shorter.")


def _own(own: MailTemplate | None, part: str) -> str | None:
    return None if own is None else getattr(own, part)


def _values(wanted: Wanted, merchant: Merchant) -> dict[str, object]:
    """Return all that a template may say, written in the merchant's language and zone."""
    spoken, template = language(merchant.language), TEMPLATES[wanted.template]
    words = spoken.templates[wanted.template]
    values: dict[str, object] = dict.fromkeys(VALUES, "")
    values |= {"rows": [], **written(wanted.values, merchant.zone, spoken.format)}
    values["merchant"] = {
        "name": merchant.name,
        "logo": merchant.logo or "",
        "zone": merchant.zone,
        "language": merchant.language,
    }
    kind = "receipt" if template.receipt else template.audience
    said = {
        "subject": words.subject,
        "heading": _line(words.heading, values),
        "lines": [line for one in words.lines if (line := _line(one, values))],
        "facts": _facts(words, values),
        "action": _line(words.action, values) if values["link"] else "",
        "footer": _line(words.footer or spoken.common[kind], values),
        "notice": spoken.common["notice"] if wanted.values.get("test") else "",
        "unsubscribe": wanted.unsubscribe,
        "stop": spoken.common["stop"],
    }
    return values | said


def _facts(words: Words, values: Mapping[str, object]) -> list[dict[str, str]]:
    """Return what is said in pairs, without those that have no value."""
    rows = values["rows"]
    each = [{**values, "row": row} for row in rows] if isinstance(rows, list) else []
    pairs = [(label, of, values) for label, of in words.facts]
    pairs += [(label, of, about) for about in each for label, of in words.rows]
    said = [(_line(label, about), _line(of, about)) for label, of, about in pairs]
    return [{"label": label, "value": value} for label, value in said if value]


def _line(source: str, values: Mapping[str, object]) -> str:
    """Fill in one line: whatever stands in the values, it is one line and not a long one."""
    return _BLANKS.sub(" ", visible(fill(source, values, html=False))).strip()[:_LONGEST_LINE]
