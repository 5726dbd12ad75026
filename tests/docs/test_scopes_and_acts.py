"""The tables of scopes, of acts, of events and of jobs name each one, and no other."""

import re
from pathlib import Path

from service.core.principal import BUNDLES, DEFAULT_MERCHANT, AccessScope, Kind
from service.notifications.events.states import FAMILIES
from service.wiring import ALL_JOBS

ROOT = Path(__file__).parents[2]
API = (ROOT / "docs" / "api.md").read_text()
DEPLOY = (ROOT / "docs" / "deploy.md").read_text()
# What is made of two parts, and by several callers of one function.
COMPOSED = {"review.accepted", "review.rejected", "review.same_money"}

_ROW = re.compile(r"^\| ((?:`[a-z]+(?::[a-z]+)?`(?:, )?)+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
_ACT = re.compile(r"\"([a-z]+\.[a-z_]+)\"")
_MAKES_ACTS = re.compile(r"\bAct\(|_record\(|_for_operators\(")


def scopes_of(page: str) -> dict[str, set[str]]:
    """Return the kinds of callers that the table gives to each scope."""
    table = page.partition("| scope | allows")[2].partition("\n\n")[0]
    found: dict[str, set[str]] = {}
    for scopes, holders in _ROW.findall(table):
        kinds = set(re.findall(r"[a-z]+", holders.partition(", of the")[0]))
        found |= {scope: kinds for scope in re.findall(r"`([^`]+)`", scopes)}
    return found


def acts() -> set[str]:
    """Return what the code puts on the record."""
    found = set(COMPOSED)
    for path in (ROOT / "service").rglob("*.py"):
        text = path.read_text()
        if "service.audit" in text:
            for line in text.splitlines():
                if _MAKES_ACTS.search(line):
                    found |= set(_ACT.findall(line))
    return found


def acts_of(page: str) -> set[str]:
    """Return the acts that the table names."""
    table = page.partition("| action | written by |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {act for row in rows for act in re.findall(r"`([^`]+)`", row)}


def test_every_scope_has_its_row_with_the_kinds_of_callers_that_have_it() -> None:
    held = {scope: {str(kind) for kind in Kind if scope in BUNDLES[kind]} for scope in AccessScope}
    assert scopes_of(API) == held
    assert f"of the merchant `{DEFAULT_MERCHANT}` alone" in API


def test_every_act_has_its_row() -> None:
    assert acts() - acts_of(DEPLOY) == set()


def test_control_what_a_table_leaves_out_is_found() -> None:
    without = re.sub(r"^\| `metrics:read`.*\n", "", API, flags=re.MULTILINE)
    assert without != API
    assert set(scopes_of(API)) - set(scopes_of(without)) == {"metrics:read"}
    without = DEPLOY.replace("`backfill.began`, ", "")
    assert acts() - acts_of(without) == {"backfill.began"}


def test_every_family_of_events_has_its_row() -> None:
    table = API.partition("| family | types |")[2].partition("\n\n")[0]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`([a-z]+)\.\*`", " ".join(first))) == sorted(FAMILIES)


def test_every_job_is_named_where_its_route_is() -> None:
    row = API.partition("| `POST /api/jobs/{name}` |")[2].partition("; each has counts")[0]
    assert set(re.findall(r"`([a-z-]+)`", row)) == {about.name for about in ALL_JOBS}
