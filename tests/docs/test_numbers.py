"""Every number with a unit in README and docs is the code's, or is listed as somebody else's."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from service import background
from service.analytics.operations import caching as figures_kept
from service.analytics.operations import tracking
from service.catalog.operations import quote_id
from service.cli import serving, workers
from service.cli.commands import serve
from service.cli.connections import connection, door, files
from service.core import batches, lately, money, variables
from service.forecasts import states as forecasts
from service.inbox import controllers, documents, states
from service.inbox import repository as inbox
from service.inbox.operations import apply, receive
from service.inbox.settings import InboxSettings
from service.intents.operations import analytics as leads
from service.intents.operations import orders
from service.intents.schemas import requests as intents
from service.jobs import documents as jobs
from service.jobs.operations import noting, run
from service.leases import backoff as waits
from service.leases.backoff import backoff
from service.merchants import schemas as merchant_fields
from service.merchants.operations import merchants
from service.migrations import operations as migrations
from service.notifications.alerts import repository as watched
from service.notifications.alerts.operations import agree as alerts
from service.notifications.alerts.operations.watches import machines, traffic
from service.notifications.alerts.settings import AlertSettings
from service.notifications.alerts.states import OVER_AFTER
from service.notifications.endpoints import states as sent
from service.notifications.endpoints.operations import changing as endpoints
from service.notifications.endpoints.operations import fan_out, known, sending_missed
from service.notifications.endpoints.sending import client, lines, sender
from service.notifications.mail.operations import compose as mailing
from service.notifications.mail.operations import suppressing
from service.notifications.stream.operations import streams
from service.outbox.operations import deliver as delivering
from service.outbox.operations import dispatch as dispatching
from service.outbox.operations import making, post, turn
from service.outbox.operations import messages as outbox
from service.payments.refunds.sending import ask_again
from service.payments.refunds.sending import now as refunding
from service.payments.refunds.sending import send as sending
from service.production import secrecy
from service.providers.stripe import verify
from service.recovery.operations import enroll
from service.retention.operations import purging
from service.sessions.checkouts.unresolved import overdue, questions, silent
from service.sessions.settings import SessionSettings
from service.storage import figures, watchdog
from service.storage.database import ANSWER_WITHIN_S
from service.web import bodies, parameters
from service.web.idempotency import header
from service.web.idempotency import repository as idempotency
from service.web.keys import key_sets, ring
from service.web.metrics import exposition
from service.web.settings import AccessSettings, ConnectionSettings, WebSettings
from service.web.sign_ins import documents as sign_ins
from service.web.sign_ins import guesses
from service.web.sign_ins import operations as signing_in
from tests.openapi.kept import kept
from tillgate_sandbox import lives

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))

CONNECTION, WEB, ACCESS = ConnectionSettings(), WebSettings(), AccessSettings()
ALERT = AlertSettings()
_LIMIT = kept()["get /api/payment-sessions"]["parameters"]["query limit"]["schema"]


def _hours(span: timedelta) -> float:
    return span / timedelta(hours=1)


def _minutes(span: timedelta) -> float:
    return span / timedelta(minutes=1)


def _waits(first: timedelta) -> tuple[float, ...]:
    return (*(backoff(n, first).total_seconds() for n in (1, 2, 3)), _hours(backoff(99, first)))


_RETRIES, _REPEATS = _waits(states.FIRST_WAIT), _waits(turn.FIRST_WAIT)

# Of webhooks: seconds, minutes, then hours.
_SCHEDULE = "{} {{}} s, {{}} min, {{}} min, {{}} h, {{}} h, {{}} h and {{}} h"
_WAITS = (
    sent.WAITS[0].total_seconds(),
    *map(_minutes, sent.WAITS[1:3]),
    *map(_hours, sent.WAITS[3:]),
)

# What a page says, its numbers left out; and these numbers, from the code.
HELD: dict[str, list[tuple[str, tuple[Any, ...]]]] = {
    "docs/figures.md": [
        ("kept for {} days, and add to no money", (tracking.KEEP_FOR.days,)),
        (
            "kept for {} seconds (`realtime`), {} minutes, {} minutes or an hour",
            (
                figures_kept.REALTIME.seconds,
                _minutes(figures_kept.HOURLY),
                _minutes(figures_kept.DAILY),
            ),
        ),
        ("wait for, {} seconds", (figures_kept.MOST_LOOKS * figures_kept.LOOK_EVERY_S,)),
        ("Every {} minutes the 200", (_minutes(figures_kept.WARM_EVERY),)),
        ("most lately, within {} minutes", (_minutes(figures_kept.ASKED_WITHIN),)),
        ("each of the next {} days may bring", (forecasts.HORIZON,)),
    ],
    "docs/sandbox.md": [("Periods are {} days", (lives.PERIOD // lives.DAY,))],
    "README.md": [("an `Idempotency-Key` of {} random characters", (header.LEAST_PROVING,))],
    "docs/alerts.md": [
        ("not seen for {} minutes", (_minutes(OVER_AFTER),)),
        ("Once that was over for {} minutes", (_minutes(OVER_AFTER),)),
        ("could not be applied for {} days", (states.GIVE_UP_AFTER.days,)),
        ("no answer within their limit ({} s)", (ANSWER_WITHIN_S,)),
        ("`ALERT_REVIEW_MINUTES` ({})", (ALERT.review_minutes,)),
        ("`ALERT_WAITING_MINUTES` ({})", (ALERT.waiting_minutes,)),
        ("`ALERT_PROVIDER_SILENT_MINUTES` ({})", (ALERT.provider_silent_minutes,)),
        ("`ALERT_ERROR_PERCENT` ({})", (ALERT.error_percent,)),
        ("`ALERT_STORAGE_PERCENT` ({})", (ALERT.storage_percent,)),
        ("`ALERT_ARCHIVE_FILES` ({})", (ALERT.archive_files,)),
        ("`ALERT_DATABASE_SECONDS` ({})", (ALERT.database_seconds,)),
    ],
    "docs/first-payment.md": [
        ("holds the price for {} minutes", (_minutes(quote_id.HOLDS_FOR),)),
    ],
    "docs/api.md": [
        ("at most {} hours (`JWT_MAX_HOURS`)", (ACCESS.jwt_max_hours,)),
        ("201 with what became of it within {} s", (refunding.ASK_WITHIN_S,)),
        ("A comment comes every {} seconds", (streams.BEAT_EVERY_S,)),
        ("a merchant has {} of them on each server process", (streams.MOST_OF_A_MERCHANT,)),
        ("tells what became of it within {} seconds", (refunding.ASK_WITHIN_S,)),
        ("as the same refund, for {} hours", (_hours(sending.REPEATED_FOR),)),
        (
            "`quoteId` in an opening holds that price for {} minutes",
            (_minutes(quote_id.HOLDS_FOR),),
        ),
        (
            "at most {} kB (webhooks: {} MB)",
            (bodies.LARGEST_BODY / 1e3, controllers.LARGEST_WEBHOOK / 1e6),
        ),
        ("A body has up to {} kB, and", (intents.LARGEST_INTENT / 1e3,)),
        ("{} days are refused as `too_much`", (leads.LONGEST_DAYS,)),
        ("leaves those of {} days", (orders.EMERGENCY_DAYS,)),
        ("{} a page", (parameters.PAGE_SIZE,)),
        ("(optional, up to {} characters)", (header.LONGEST,)),
        ("at least {} random characters", (header.LEAST_PROVING,)),
        ("within {} seconds in all others", (merchants.REMEMBERED_FOR.total_seconds(),)),
        ("up to {} of `https://host[:port]`", (merchant_fields.MOST_ORIGINS,)),
        ("(`abandoned`), and after {} days", (silent.GIVE_UP_AFTER.days,)),
        ("it was older than {} minutes", (_minutes(quote_id.HOLDS_FOR),)),
        ("the one before signs for another {} hours", (_hours(endpoints.OVERLAP),)),
        ("An answer of 2xx within {} s is a yes", (client.ANSWERS_WITHIN_S,)),
        (_SCHEDULE.format("after"), _WAITS),
        ("puts it off, by {} h at most", (_hours(sent.LONGEST_WAIT),)),
        ("taking nothing for {} days", (sent.DISABLED_AFTER.days,)),
        ("with its tries for {} days", (fan_out.KEPT_FOR.days,)),
        ("{} a call: call again", (sending_missed.AT_ONCE,)),
        ("What was taken more than {} days ago", (fan_out.KEPT_FOR.days,)),
        ("Events are known for {} days", (outbox.KEEP_FOR.days,)),
        ("is signed with both for {} hours", (_hours(endpoints.OVERLAP),)),
        ("added less than {} seconds before", (known.KNOWN_WITHIN.total_seconds(),)),
        ("fit {} bits of minor units", (money.LARGEST_AMOUNT.bit_length(),)),
        ("1 to {} printable ASCII characters", (header.LONGEST,)),
        (
            "send headers within {} s and the body within {} s",
            (CONNECTION.headers_within_s, CONNECTION.body_within_s),
        ),
        (
            "at most {} kB; a webhook {} MB",
            (bodies.LARGEST_BODY / 1e3, controllers.LARGEST_WEBHOOK / 1e6),
        ),
        ("at most {} KiB |", (CONNECTION.address_bytes / 1024,)),
        (
            "at most {} KiB in {} fields",
            (CONNECTION.header_bytes / 1024, connection.MOST_FIELDS),
        ),
    ],
    "docs/architecture.md": [
        ("its link leads to | {} days after", (enroll.KEEP_FOR.days,)),
        ("known for {} s, so that no request", (merchants.REMEMBERED_FOR.total_seconds(),)),
        ("is asked, for at most {} s, also on a retry", (receive.CONFIRM_WITHIN_S,)),
        ("that nobody has reported for {} hours", (_hours(ask_again.SILENT_FOR),)),
        ("(snapshot, majority, journaled, {} s)", (ANSWER_WITHIN_S,)),
        ("ask the provider for {} s at most", (apply.ASK_WITHIN_S,)),
        ("tried again after {}, {}, {} … seconds, at most every {} hours", _RETRIES),
        ("After {} days they are `dead`", (states.GIVE_UP_AFTER.days,)),
        ("what is silent for {} days is `abandoned`", (silent.GIVE_UP_AFTER.days,)),
        (
            "one transaction, up to {} events, {} at a time",
            (inbox.COMMITS.queue.limits.items, "three"),
        ),
        ("every {} s while nothing comes", (background.LONGEST_S,)),
        ("reads the oldest {}, then", (dispatching.AT_ONCE,)),
        ("takes up to {} due ones", (delivering.AT_ONCE,)),
        ("lease of {} s", (delivering.LEASE.total_seconds(),)),
        ("every {} s with all there is", (lately.LOOKS_AT_ALL_EVERY_S,)),
        ("{} lanes of each subscriber", (post.LANES_AT_ONCE,)),
        ("After {} s a turn begins nothing more", (delivering.TURN_S,)),
        ("repeated after {}, {}, {} … seconds, at most every {} hours", _REPEATS),
        ("given up after {} days", (making.GIVE_UP_AFTER.days,)),
        ("payments that are silent for {} days", (silent.GIVE_UP_AFTER.days,)),
        ("a run ends after {} seconds", (run.RUN_FOR_S,)),
        ("notes every {} s what it has done", (noting.PROGRESS_EVERY_S,)),
        ("are listed for {} days", (jobs.KEPT_FOR_DAYS,)),
        ("for {} days (a TTL)", (jobs.KEPT_FOR_DAYS,)),
        ("| {} days after its condition was over", (alerts.KEEP_FOR.days,)),
        ("a write that it times | {} days", (watched.TRAFFIC_KEPT_FOR.days,)),
        ("capped at {} MiB", ((documents.WebhookRejection.capped_bytes or 0) / 2**20,)),
        ("{} days |", (outbox.KEEP_FOR.days,)),
        ("the idempotency middleware | {} hours |", (_hours(idempotency.KEPT_FOR),)),
        ("cached by each process and read every {} s", (known.READ_EVERY_S,)),
        ("by hand, and {} days later", (endpoints.KEPT_REMOVED.days,)),
        ("a resend; then the sender | {} days", (fan_out.KEPT_FOR.days,)),
    ],
    "docs/configuration.md": [
        ("| {} characters and variety", (secrecy.SHORTEST_OWN,)),
        (
            "| {} characters, behind `sk_live_`, `whsec_` and the like, at least {} different ones "
            "and {} different steps",
            (
                variables.SHORTEST_SECRET,
                secrecy._LEAST_CHARACTERS_OF_OTHERS,
                secrecy._LEAST_STEPS_OF_OTHERS,
            ),
        ),
        (
            "`PHONEPE_WEBHOOK_PASSWORD` | {} characters, at least {} different ones",
            (variables.SHORTEST_PASSWORD, secrecy._LEAST_CHARACTERS_OF_OTHERS),
        ),
        (
            "`SMTP_URL` | {} characters, at least {} different ones",
            (variables.SHORTEST_PASSWORD, secrecy._LEAST_CHARACTERS_OF_OTHERS),
        ),
        ("in development {} characters are enough", (variables.SHORTEST_SECRET,)),
        (
            "at least {} different characters, {} different pairs of neighbours, and {} different",
            (secrecy._LEAST_CHARACTERS, secrecy._LEAST_PAIRS, secrecy._LEAST_STEPS),
        ),
        ("for `JWT_MAX_HOURS` at most: {}", (ACCESS.jwt_max_hours,)),
        ("`RATE_LIMIT_PER_KEY` is {} requests", (WEB.rate_limit_per_key,)),
        ("`RATE_LIMIT_PER_ADDRESS` {}", (WEB.rate_limit_per_address,)),
    ],
    "docs/deploy.md": [
        (
            "bodies of {} MB for webhooks, of {} kB",
            (controllers.LARGEST_WEBHOOK / 1e6, bodies.LARGEST_BODY / 1e3),
        ),
        (
            "to {} MB below `/api/webhooks` and to {} kB elsewhere",
            (controllers.LARGEST_WEBHOOK / 1e6, bodies.LARGEST_BODY / 1e3),
        ),
        ("let a request take {} s there", (CONNECTION.body_within_s,)),
        ("| `MAX_CONNECTIONS` | {} |", (CONNECTION.most,)),
        (
            "| `MAX_HEADER_BYTES`, and {} header fields | {} |",
            (connection.MOST_FIELDS, CONNECTION.header_bytes),
        ),
        ("| `MAX_ADDRESS_BYTES` | {} |", (CONNECTION.address_bytes,)),
        ("| `HEADERS_WITHIN_S` for all headers | {} |", (CONNECTION.headers_within_s,)),
        ("| `BODY_WITHIN_S` for the whole body | {} |", (CONNECTION.body_within_s,)),
        ("| `ANSWER_WITHIN_S` to take an answer | {} |", (CONNECTION.answer_within_s,)),
        ("| `IDLE_CONNECTION_S` between two requests | {} |", (CONNECTION.idle_s,)),
        ("have {} places of their own", (files.RESERVE,)),
        ("and {} more are needed", (files.OTHERS,)),
        ("every {} s (`connections refused`)", (door._REPORT_EVERY_S,)),
        (
            "A shutdown waits {} s for clients that hang, and {} s for requests",
            (door.LEAVING_S, serve.PATIENCE_S),
        ),
        ("gives up after {} seconds", (ANSWER_WITHIN_S,)),
        (
            "after {} minutes without anybody and after {} hours",
            (_minutes(signing_in.IDLE), _hours(signing_in.LASTS)),
        ),
        (
            "given no answer of any kind for {} s; the process then ends with code {} within {} s",
            (
                watchdog.STUCK_AFTER * watchdog.LOOK_EVERY_S,
                serving.EXIT_STUCK,
                serving.STUCK_ENDS_WITHIN_S,
            ),
        ),
    ],
    "docs/learning-that-it-was-paid.md": [
        ("from {} seconds later on", (known.KNOWN_WITHIN.total_seconds(),)),
        ("by 2xx within {} s", (client.ANSWERS_WITHIN_S,)),
        (_SCHEDULE.format("is sent again").replace(" h and {} h", " h and {} h later"), _WAITS),
        ("of yours says, at most {} h", (_hours(sent.LONGEST_WAIT),)),
    ],
    "docs/metrics.md": [
        ("wait for their group, looked at every {} s", (figures.SAMPLE_EVERY_S,)),
        ("`open` and `in use`, looked at every {} s", (figures.SAMPLE_EVERY_S,)),
        ("add what they gather every {} s", (figures.SAMPLE_EVERY_S,)),
        ("and kept for {} s", (exposition._KEPT_FOR_S,)),
    ],
    "docs/moving.md": [("for {} days", (states.GIVE_UP_AFTER.days,))],
    "docs/scaling.md": [
        ("works for up to {} s more", (ring.REMEMBERED_FOR.total_seconds(),)),
        ("end within {} s, then it exits", (serve.PATIENCE_S,)),
        ("a growing wait of up to {} s", (workers.LONGEST_WAIT_S,)),
    ],
    "docs/security.md": [
        ("are its own words | {} days", (tracking.KEEP_FOR.days,)),
        ("`resumedAt` | {} days after it was left", (enroll.KEEP_FOR.days,)),
        ("`PURGE_EXPIRED_DAYS` ({})", (SessionSettings().purge_expired_days,)),
        ("`PURGE_COMPLETED_DAYS` ({})", (SessionSettings().purge_completed_days,)),
        ("`PURGE_EVENTS_DAYS` ({})", (InboxSettings().purge_events_days,)),
        ("until {} MiB of newer ones", ((documents.WebhookRejection.capped_bytes or 0) / 2**20,)),
        ("`cause` is the id of what it is about | {} days", (mailing.KEEP_FOR.days,)),
        ("it unsubscribed, else {} days", (suppressing.REMEMBER_REFUSALS_FOR.days,)),
        ("by their ids | {} days", (outbox.KEEP_FOR.days,)),
        ("of each, for {} days", (jobs.KEPT_FOR_DAYS,)),
        ("| {} days after its condition was over", (alerts.KEEP_FOR.days,)),
        ("`probedAt` | {} days", (watched.TRAFFIC_KEPT_FOR.days,)),
        ("`sealedBody` | {} hours", (_hours(idempotency.KEPT_FOR),)),
        ("and {} days more without its secrets", (endpoints.KEPT_REMOVED.days,)),
        ("(`endpointId`, `place`, `tries`) | {} days", (fan_out.KEPT_FOR.days,)),
        ("with `exp`, {} h after", (ACCESS.jwt_max_hours,)),
        (
            "revocation, {} idle minutes, {} h",
            (_minutes(signing_in.IDLE), _hours(signing_in.LASTS)),
        ),
        ("after {} minutes, where the scheme", (verify.TOLERANCE_SECONDS / 60,)),
    ],
    "docs/upgrading.md": [
        ("{} s later at the latest", (migrations.LEASE.total_seconds(),)),
    ],
}

# What stands in words: another value fails here, and then the words are looked for.
IN_WORDS: dict[str, tuple[Any, Any]] = {
    "Keys are good for an hour": (_hours(key_sets.GOOD_FOR), 1),
    "an hour after it lapsed": (sign_ins._KEPT_AFTER_S, 3600),
    "up to a tenth sooner": (waits.JITTER, 0.1),
    "it sends up to 400 at a time": (sender.AT_ONCE, 400),
    "eight to one endpoint and two to one that fails": (
        (lines.AT_ONCE_EACH, lines.AT_ONCE_FAILING),
        (8, 2),
    ),
    "took nothing for five days": (sent.DISABLED_AFTER.days, 5),
    "a merchant has at most 100": (endpoints.MOST_ENDPOINTS, 100),
    "at most 100; `nextCursor`": (_LIMIT["maximum"], 100),
    "a day past the session's end": (_hours(overdue.WAIT), 24),
    "up to five times, then answers 503": (apply._TRIES, 5),
    "ask the provider for 2 s at most": (questions.ASK_WITHIN_S, 2),
    "by batches of ten to 160": ((batches.SMALLEST, batches.LARGEST), (10, 160)),
    "at most twice as long": (batches.AS_QUICK, 2),
    "a sixteenth of it after one of 160": (batches.LARGEST / batches.SMALLEST, 16),
    "of the last ten minutes' answers more were 5xx, and at least five": (
        (_minutes(traffic.WINDOW), traffic.FEWEST_FAILED),
        (10, 5),
    ),
    "or ten calls of the last ten minutes": (machines.MOST_UNANSWERED, 10),
    "at least five verified webhooks, and as many on four of the six days": (
        (traffic.USUAL_LEAST, traffic.USUAL_DAYS),
        (5, 4),
    ),
    "`blockedLong` for over a week": (purging.TOO_LONG.days, 7),
    "in the middle of one after a second": (door._LEAST_S, 1),
    "ten tries for an address and one more a minute": (guesses.OF_ONE, guesses.Budget(10, 60)),
    "sixty for all strangers together and one more a second": (
        guesses.OF_ALL,
        guesses.Budget(60, 1),
    ),
}

# Numbers of somebody else, or measured: nothing in the code has them.
NOT_OURS: dict[str, tuple[str, ...]] = {
    "docs/deploy.md": (
        "providers wait 3 to 10 s",
        "about 11 s with the default `electionTimeoutMillis` of 10 s, 2 s with 1 s",
        "1.5 s in the median and 5.2 s at most",
        "Stripe | 30 days",
        "Razorpay | 7 days",
        "24 h overlap",
    ),
    "docs/scaling.md": ("takes about 50 MB", "a trace of more than 4 kB"),
    "docs/going-live.md": ("fail for 24 hours", "(7 days back)", "choose 32 random characters"),
    "docs/moving.md": ("1 to 40 letters",),
    "docs/figures.md": ("`24h`", "(statsmodels, 77 MB)"),
    "docs/configuration.md": ("1 to 16 letters", "texts of 32 random hex digits"),
    "docs/api.md": ("(1 to 40 letters",),
    "docs/sandbox.md": ("answered 200 in 12 ms", "answered 201 in 50 ms"),
    "docs/security.md": ("of 256 random bits",),
}

_UNITS = (
    r"s|ms|seconds|minutes|hours|h|days|[kM]i?B|KiB|bits|characters|letters|places|requests|fields"
    r"|random|idle|different|a page|events"
)
_NUMBER = re.compile(rf"\b\d[\d.,]*(?: … | | and | to )?(?:{_UNITS})\b")


def _page(name: str) -> str:
    return " ".join((ROOT / name).read_text().split())


def _written(words: str, values: tuple[Any, ...]) -> str:
    shown = (int(one) if isinstance(one, float) and one.is_integer() else one for one in values)
    return words.format(*shown)


ROWS = [(page, words, values) for page, rows in HELD.items() for words, values in rows]


@pytest.mark.parametrize(("page", "words", "values"), ROWS, ids=[row[1] for row in ROWS])
def test_a_number_is_the_one_of_the_code(page: str, words: str, values: tuple[Any, ...]) -> None:
    text = _page(page)
    assert _written(words, values) in text
    # The control: were the code's number another one, the page would be wrong.
    other = tuple(one + 1 if isinstance(one, int | float) else one for one in values)
    assert _written(words, other) not in text


@pytest.mark.parametrize("words", IN_WORDS)
def test_a_number_in_words_is_the_one_of_the_code(words: str) -> None:
    value, said = IN_WORDS[words]
    assert value == said
    assert any(words in _page(page) for page in PAGES)


def _unheld(text: str, held: list[str]) -> list[str]:
    for words in sorted(held, key=len, reverse=True):
        text = text.replace(words, " – ")
    return [found.group() for found in _NUMBER.finditer(text)]


@pytest.mark.parametrize("page", [page for page in PAGES if page != "docs/asvs.md"])
def test_every_number_with_a_unit_is_held_or_not_ours(page: str) -> None:
    """`docs/asvs.md` names the tests of each of its numbers."""
    text = _page(page)
    not_ours = NOT_OURS.get(page, ())
    assert [words for words in not_ours if words not in text] == []
    held = [_written(words, values) for words, values in HELD.get(page, [])]
    assert _unheld(text, [*held, *not_ours]) == []


def test_control_a_number_that_nobody_holds_is_found() -> None:
    assert _unheld("It waits 7 s for up to 12 kB.", ["waits 7 s"]) == ["12 kB"]
