"""/docs/guide: the site that `make docs` builds, in development; and what is there without it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from httpx import AsyncClient
from litestar import Litestar

from service.core.clock import ManualClock
from service.storage.database import Database
from service.web.guide.routes import BUILT, guide_routes
from tests.web.app import create_test_app, settings_for
from tests.web.conftest import client_of

PAGE = '<!doctype html><script>first()</script><script src="a.js"></script><p>Hello</p>'


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A site of two files, and one beside it that is none of it."""
    (tmp_path / "secret.txt").write_text("secret")
    site = tmp_path / "guide"
    (site / "assets").mkdir(parents=True)
    (site / "index.html").write_text(PAGE)
    (site / "assets" / "a.js").write_text("first = () => {}")
    (site / "out.html").symlink_to(tmp_path / "secret.txt")
    return site


@pytest_asyncio.fixture
async def guide(built: Path) -> AsyncIterator[AsyncClient]:
    """A client of the site alone."""
    async with client_of(Litestar([guide_routes(built)], openapi_config=None)) as client:
        yield client


async def test_the_site_is_shown_and_allows_its_own_scripts_alone(guide: AsyncClient) -> None:
    led = await guide.get("/docs/guide")
    assert led.status_code == 307
    assert led.headers["location"] == "/docs/guide/index.html"
    shown = await guide.get(led.headers["location"])
    assert (shown.status_code, shown.text) == (200, PAGE)
    # The hash of `first()`, by `openssl dgst -sha256 -binary | base64`.
    assert shown.headers["content-security-policy"] == (
        "default-src 'none'; "
        "script-src 'self' 'sha256-fDYmfWjvur9AxjhDbjHe6RvExc05MbXhhrbgz2vvy/A='; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; worker-src 'self'; form-action 'self'; frame-ancestors 'none'; "
        "base-uri 'self'"
    )
    assert shown.headers["cache-control"] == "no-cache", "what was built anew is read anew"
    script = await guide.get("/docs/guide/assets/a.js")
    assert script.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "path",
    [
        *("nothing.html", "assets", "..%2fsecret.txt", "%2e%2e/secret.txt", "out.html"),
        # Names that no file can have.
        *("%00", "index.html%00", "x" * 300),
    ],
)
async def test_nothing_beside_the_site_is_shown(guide: AsyncClient, path: str) -> None:
    assert (await guide.get(f"/docs/guide/{path}")).status_code == 404


async def test_without_the_site_it_says_how_it_is_built(tmp_path: Path) -> None:
    async with client_of(Litestar([guide_routes(tmp_path / "none")], openapi_config=None)) as none:
        shown = await none.get("/docs/guide")
        assert shown.status_code == 200
        assert "Run <code>make docs</code>" in shown.text
        assert (await none.get("/docs/guide/index.html")).status_code == 404


async def test_nobody_needs_a_key_and_many_files_are_not_too_many(
    database: Database, clock: ManualClock
) -> None:
    """A page of the site loads a dozen of them. Pages of errors are as open."""
    app = create_test_app(settings_for(rate_limit_per_address=1), clock, database)
    async with client_of(app) as http:
        for path in ("/docs/guide", "/docs/guide/nothing.html", "/errors", "/errors/not_found"):
            answers = [await http.get(path) for _ in range(3)]
            answers.append(await http.get(path, headers={"X-API-Key": "sk_of_another_service"}))
            assert {one.status_code for one in answers} <= {200, 307, 404}, path
        limited = [(await http.get("/api/whoami")).status_code for _ in range(2)]
        assert limited[-1] == 429, "control: the limit is on"


async def test_production_has_no_guide(database: Database, clock: ManualClock) -> None:
    served = {
        name: {route.path for route in create_test_app(settings, clock, database).routes}
        for name, settings in {
            "dev": settings_for(),
            "prod": settings_for(environment="production"),
        }.items()
    }
    assert {"/docs/guide", "/docs/guide/{path:path}"} <= served["dev"]
    assert not [path for path in served["prod"] if path.startswith("/docs/guide")]


def test_it_is_looked_for_where_make_docs_puts_it_and_kept_out_of_the_image() -> None:
    root = Path(__file__).parents[2]
    written = (root / "guide" / "mkdocs.yml").read_text()
    assert f"site_dir: ../{BUILT.relative_to(root)}\n" in written
    assert "dist/" in (root / ".gitignore").read_text().splitlines()
    seen = [line for line in (root / ".dockerignore").read_text().splitlines() if line[0] == "!"]
    assert not [line for line in seen if line.startswith(("!dist", "!docs", "!guide"))]
