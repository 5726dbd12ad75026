"""A new session is built as a row; the document stays the schema, and reads the very same."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from service.core.clock import from_unix
from service.core.principal import Kind, Principal
from service.sessions.documents import Session
from service.sessions.operations.caller import Caller
from service.sessions.operations.opening.build_session import build_session
from service.sessions.operations.opening.new_session import NewSession
from service.sessions.operations.rules import Rules
from service.sessions.schemas.answers import session_view
from service.sessions.states import Lifetimes
from service.storage.database import DatabaseTime
from service.storage.documents import wire_name

NOW = from_unix(1_795_262_400.5)
RULES = Rules(
    default_currency="USD",
    lifetimes=Lifetimes(timedelta(minutes=30), timedelta(hours=24), timedelta(days=7), None),
    public_url="https://shop.example",
    origins=frozenset({"https://shop.example"}),
    pepper="pepper of a test",
    live={"stripe": True, "phonepe": False},
)
TEXTS = st.none() | st.text(min_size=1, max_size=20)
URLS = st.sampled_from([None, "https://shop.example/back"])

new_sessions: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["payment", "checkout"]),
        "user_id": st.text(min_size=1, max_size=20),
        "provider": st.sampled_from(["stripe", "razorpay", "phonepe", "upi"]),
        "request_hash": st.just("0" * 64),
        "amount": st.integers(1, 10**9),
    },
    optional={
        **dict.fromkeys(("event_id", "pass_id", "selected_date", "coupon_code"), TEXTS),
        **dict.fromkeys(("waiting_list_id", "plan", "email", "provider_session_id"), TEXTS),
        **dict.fromkeys(("success_url", "cancel_url"), URLS),
        "session_id": st.sampled_from([None, "a-session"]),
        "quantity": st.integers(1, 10_000),
        "metadata": st.dictionaries(st.text("abc", min_size=1), st.integers() | TEXTS, max_size=3),
        "expires_at": st.sampled_from([None, NOW + timedelta(hours=2)]),
    },
)


@given(new_sessions, st.sampled_from([None, "a seed"]))
def test_what_is_built_is_what_the_document_would_store(
    fields: dict[str, Any], seed: str | None
) -> None:
    caller = Caller(Principal(Kind.SECRET, "shop", "0123456789ab"), idempotency_seed=seed)
    built = asyncio.run(build_session(NewSession(**fields), caller, RULES, NOW))
    row, document = built.session.fields, built.session.document()
    assert document.to_row() == row
    assert {type(value) for value in row.values()} <= {
        str,
        int,
        bool,
        dict,
        list,
        type(NOW),
        DatabaseTime,
        type(None),
    }
    assert row.keys() == {wire_name(name) for name in Session.model_fields} - {"_id", "revision_id"}
    shown = msgspec.json.encode(session_view(built.session, caller, NOW))
    assert shown == msgspec.json.encode(session_view(document, caller, NOW))
