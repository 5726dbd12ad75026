"""What README and docs name exists, and what exists is named there."""

import configparser
import re
from functools import cache
from pathlib import Path

import pytest
import pytest_asyncio
import rich_click as click
from httpx import ASGITransport, AsyncClient

from service.cli.main import cli
from service.settings import variables
from service.storage.database import Database
from service.web.error_pages.codes import explained
from tests.support.built import application
from tests.support.error_codes import all_errors, codes, refusals_of_connections, status_of
from tests.support.settings import make_settings

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
on_every_page = pytest.mark.parametrize(
    "page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES]
)

# Upper-case names that are neither settings nor constants of the code.
OTHER_NAMES = {
    *("TILLGATE_DATA_DIR", "JOBS_KEY", "PYTHON_IMAGE", "KEEP_PICTURES"),
    # Of the programs that a merchant runs.
    *("TILLGATE_KEY", "TILLGATE_URL", "WEBHOOK_SECRET"),
    # Of an older stack, which is left.
    *("OLD_MONGODB_URI", "OLD_DATABASE_URL", "JSON_OBJECT"),
}
# Settings that are gone: CHANGELOG says so.
GONE = {"INTENT_RETENTION_DAYS", "STRIPE_PUBLISHABLE_KEY"}
# The ingress shuts these out whether they are there or not.
SHUT_OUT = {"/metrics", "/health"}
# What the Ingresses let out is named by its beginning.
BEGINNINGS = {"/api", "/api/webhooks"}
# Errors of the command line, and one that is an answer to a message: no route raises them.
NEVER_OVER_HTTP = {
    *("key_not_found", "data_directory_in_use", "port_taken", "capture_refused"),
    *("merchant_exists", "refund_refused", "bad_row", "port_in_use", "listening_refused"),
}

_NAME = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
_PATH = re.compile(
    r"(?<![\w./-])(?:\$URL|PUBLIC_URL|https?://[\w.:]+)?(/(?:api|health|docs|openapi\.json|metrics)\b[^\s`\"'|)>,;]*)"
)
# A provider's own pages.
_ELSEWHERE = re.compile(r"https://[\w.]*(?:razorpay|stripe|phonepe)\.com\S*")
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
_COMMAND = re.compile(
    r"(?:`|^|\.venv/bin/)tillgate ([a-z]+)(?: ([a-z]+(?:-[a-z]+)*))?", re.MULTILINE
)
_TARGET = re.compile(r"(?:`|^)make ([a-z]+)", re.MULTILINE)


@cache
def constants() -> set[str]:
    """Return the names of every module-level constant of the code and its tests."""
    sources = [
        path for name in ("service", "sandbox", "tests") for path in (ROOT / name).rglob("*.py")
    ]
    defined = re.compile(r"^([A-Z][A-Z0-9_]*)(?::.*)? = ", re.MULTILINE)
    return {name for source in sources for name in defined.findall(source.read_text())}


def shape(path: str) -> str:
    """Return a path with its parameters made alike, without query."""
    return re.sub(r"\{[^}]*\}", "{}", path.partition("?")[0].rstrip("/.:"))


def named_paths(page: Path) -> set[str]:
    """Return every path that a page names."""
    text = _ELSEWHERE.sub("", page.read_text())
    return {shape(path) for path in _PATH.findall(text)}


@pytest_asyncio.fixture(scope="module")
async def served_paths(indexed_database: Database) -> set[str]:
    """Every path that is served, from the OpenAPI document: asked for once for all pages."""
    async with application(make_settings(), indexed_database, None) as app:
        transport = ASGITransport(app)
        async with AsyncClient(transport=transport, base_url="http://testserver") as http:
            document = (await http.get("/openapi.json")).json()
    return {shape(path) for path in document["paths"]} | {"/docs", "/docs/guide", "/openapi.json"}


def test_readme_leads_to_every_page() -> None:
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    assert pages - set(_LINK.findall((ROOT / "README.md").read_text())) == set()


@on_every_page
def test_every_variable_that_is_named_exists(page: Path) -> None:
    known = set(variables()) | constants() | OTHER_NAMES
    if page.name == "CHANGELOG.md":
        known |= GONE
    assert set(_NAME.findall(page.read_text())) <= known


@on_every_page
def test_every_route_that_is_named_exists(page: Path, served_paths: set[str]) -> None:
    patterns = [re.compile(re.escape(path).replace(r"\{\}", "[^/]+")) for path in served_paths]
    named = named_paths(page) - SHUT_OUT - BEGINNINGS
    assert not [path for path in named if not any(one.fullmatch(path) for one in patterns)]


def test_every_route_is_in_the_table(served_paths: set[str]) -> None:
    assert served_paths <= named_paths(ROOT / "docs" / "api.md")


@on_every_page
def test_every_link_leads_to_a_file(page: Path) -> None:
    targets = _LINK.findall(page.read_text())
    assert not [target for target in targets if not (page.parent / target).exists()]


@on_every_page
def test_every_command_that_is_named_exists(page: Path) -> None:
    context = click.Context(cli)
    for name, verb in _COMMAND.findall(page.read_text()):
        assert name in cli.list_commands(context)
        _, command, _ = cli.resolve_command(context, [name])  # the list itself imports nothing
        if verb and isinstance(command, click.Group):
            assert verb in command.list_commands(context), f"{name} {verb}"


def test_every_target_of_make_that_is_named_exists() -> None:
    named = {target for page in PAGES for target in _TARGET.findall(page.read_text())}
    makefile = (ROOT / "Makefile").read_text()
    assert named <= set(re.findall(r"^([a-z]+)\s*:", makefile, re.MULTILINE))


def documented_errors() -> dict[str, int]:
    """Return the codes of the table in docs/api.md with their statuses."""
    return {
        code: int(status) for cells, status, _ in _rows() for code in re.findall(r"`(\w+)`", cells)
    }


def _rows() -> list[tuple[str, str, str]]:
    """Return the table's rows: codes, status, what to do."""
    table = (ROOT / "docs" / "api.md").read_text().partition("\n## Errors\n")[2]
    return re.findall(r"^\| (`[^|]+`) \| (\d{3}) \| (.+) \|$", table, re.MULTILINE)


def test_every_error_code_is_in_the_table_and_no_other() -> None:
    documented = documented_errors()
    assert set(documented) == codes() - NEVER_OVER_HTTP
    assert {
        one.error: one.status for one in refusals_of_connections()
    }.items() <= documented.items()


def test_every_error_has_the_status_that_the_table_gives() -> None:
    documented = documented_errors()
    for error in all_errors():
        if error.code in documented:
            assert documented[error.code] == status_of(error), error.code


def test_the_table_says_what_the_pages_say() -> None:
    """The page of a code ends its words as a sentence; a cell of the table does not."""
    said = {code: cell for cells, _, cell in _rows() for code in re.findall(r"`(\w+)`", cells)}
    pages = {code: one.change for code, one in explained().items()}
    differs = {
        code: pages[code]
        for code, cell in said.items()
        if pages[code] not in (cell, cell[0].upper() + cell[1:])
    }
    assert differs == {}, "service/web/error_pages/codes.toml and docs/api.md differ"


def test_the_floors_in_words_are_those_of_the_contract() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    layers = contracts["importlinter:contract:floors"]["layers"].split("\n")
    page = (ROOT / "docs" / "architecture.md").read_text()
    block = page.partition("\n## The floors\n")[2].split("```\n")[1]
    assert block.splitlines() == [layer for layer in layers if layer]


def test_every_decision_is_in_the_list() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(_LINK.findall((folder / "README.md").read_text()))
    assert {page.name for page in folder.glob("0*.md")} <= listed
