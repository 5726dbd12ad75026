"""The pages of the dashboard: find a session, and see what touched it."""

from datetime import datetime

from service.core.money import to_major
from service.dashboard.frame import frame
from service.dashboard.sessions.line import KINDS, Line
from service.sessions.documents import Session
from service.sessions.states import Status
from service.web.pages.markup import Html, h, join
from service.web.pages.page import Page
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.pages.words import PROVIDERS, STANDINGS

_TONES = {
    Status.PENDING: "info",
    Status.PROCESSING: "warn",
    Status.COMPLETED: "good",
    Status.FAILED: "bad",
    Status.EXPIRED: "bad",
    Status.CANCELED: "bad",
}


def search_page(checkouts: list[SandboxCheckout] | None, token: str) -> Page:
    """Build the first page. `checkouts` are the sandbox's latest, None where there is none."""
    main = join(
        h("h1", "Sessions"),
        _search(),
        _latest(checkouts) if checkouts is not None else None,
    )
    return frame("Sessions", main, token, sandbox=checkouts is not None)


def missing_page(session_id: str, token: str, *, sandbox: bool) -> Page:
    """Build the page of a session that is not there."""
    main = join(
        h("h1", "There is no such session"),
        h("p", "Nobody opened ", h("code", session_id), ", or it was purged.", class_="lead"),
        _search(),
    )
    return frame("No such session", main, token, sandbox=sandbox)


def timeline_page(
    session: Session, standing: Status, why: str, found: list[Line], frame_of: tuple[str, bool]
) -> Page:
    """Build the page of a session; `frame_of` is the token, and whether there is a sandbox."""
    token, sandbox = frame_of
    main = join(
        h("div", _summary(session, standing, why), id="summary"),
        _filters(found),
        h("div", _list(found, session.created_at), id="lines"),
    )
    return frame(f"Session {session.session_id}", main, token, live=True, sandbox=sandbox)


def _search() -> Html:
    return h(
        "form",
        h("label", "Session id", for_="sessionId"),
        h(
            "div",
            h(
                "input",
                id="sessionId",
                name="sessionId",
                required=True,
                pattern="[A-Za-z0-9_\\-]{1,40}",
                title="1 to 40 letters, digits, - and _",
                autocomplete="off",
                spellcheck="false",
            ),
            h("button", "Show its timeline", class_="primary"),
            class_="joined",
        ),
        action="/dashboard/sessions",
        role="search",
        class_="card",
    )


def _latest(checkouts: list[SandboxCheckout]) -> Html:
    if not checkouts:
        body = h(
            "p", "None yet. ", h("a", "Buy something in the shop", href="/shop"), ".", class_="soft"
        )
    else:
        columns = ("Session", "Provider", "Amount", "At the provider", "Opened")
        body = h(
            "div",
            h(
                "table",
                h("thead", h("tr", [h("th", name, scope="col") for name in columns])),
                h("tbody", map(_row, checkouts)),
            ),
            class_="scroll",
            tabindex="0",
            role="region",
            aria_label="Latest checkouts of the sandbox",
        )
    return h("section", h("h2", "Latest checkouts of the sandbox"), body, class_="card")


def _row(checkout: SandboxCheckout) -> Html:
    standing = STANDINGS[checkout.status]
    price = to_major(checkout.amount, checkout.provider, checkout.currency)
    address = f"/dashboard/sessions/{checkout.session_id}"
    return h(
        "tr",
        h("td", h("a", h("code", checkout.session_id), href=address)),
        h("td", PROVIDERS[checkout.provider]),
        h("td", f"{price} {checkout.currency}", class_="num"),
        h("td", h("span", standing.name, class_=f"badge {standing.tone}")),
        h("td", _time(checkout.created_at), class_="num soft"),
    )


def _summary(session: Session, standing: Status, why: str) -> Html:
    price = to_major(session.amount, session.provider, session.currency)
    facts = {
        "Amount": f"{price} {session.currency}",
        "Provider": PROVIDERS[session.provider],
        "For": session.plan or session.pass_id or session.event_id,
        "User": session.user_id,
        "Payment": session.provider_payment_id,
        "Opened": f"{session.created_at:%F %T} UTC",
        "Expires": f"{session.expires_at:%F %T} UTC",
        "Completed": f"{session.completed_at:%F %T} UTC" if session.completed_at else None,
    }
    return h(
        "section",
        h(
            "div",
            h("p", "Session", class_="eyebrow"),
            h("span", standing.value, class_=f"badge {_TONES[standing]}", id="status"),
            class_="row between",
        ),
        h("h1", session.session_id, class_="mono title"),
        h("p", why, class_="lead", id="why"),
        h("hr"),
        h(
            "dl",
            [(h("dt", name), h("dd", value)) for name, value in facts.items() if value],
            class_="facts",
        ),
        class_="card",
        data_live=standing in {Status.PENDING, Status.PROCESSING},
    )


def _filters(found: list[Line]) -> Html:
    """Checkboxes that the stylesheet listens to; there is no script to it."""
    counts = {kind: sum(line.kind == kind for line in found) for kind in KINDS}
    return h(
        "fieldset",
        h("legend", "Timeline", class_="heading"),
        h(
            "div",
            [
                h(
                    "label",
                    h("input", type="checkbox", checked=True, id=f"show-{kind}"),
                    h("span", name, " ", h("span", counts[kind], class_="num soft")),
                    class_="chip",
                )
                for kind, name in KINDS.items()
                if counts[kind]
            ],
            class_="row chips",
        ),
    )


def _list(found: list[Line], since: datetime) -> Html:
    return h("ol", [_line(line, since) for line in found], class_="timeline")


def _line(line: Line, since: datetime) -> Html:
    detail = None
    if line.detail:
        pairs = [(h("dt", name), h("dd", h("code", text))) for name, text in line.detail.items()]
        detail = h("details", h("summary", "Details"), h("dl", pairs, class_="facts"))
    return h(
        "li",
        h(
            "p",
            h("span", KINDS.get(line.kind, line.kind), class_="kind"),
            h("time", _time(line.at), datetime=line.at.isoformat(), class_="num"),
            h("span", _after(line.at, since), class_="num after"),
            class_="when",
        ),
        h("p", line.text, class_="what"),
        detail,
        data_kind=line.kind,
        class_=line.tone or None,
    )


def _time(at: datetime) -> str:
    return f"{at:%T}.{at.microsecond // 1000:03d}"


def _after(at: datetime, since: datetime) -> str:
    seconds = (at - since).total_seconds()
    return f"{seconds:+.3f} s" if -60 < seconds < 600 else f"{at:%F}"
