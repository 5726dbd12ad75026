"""The docs as a site: built strictly, searched in a browser that reaches nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from litestar import Litestar
from playwright.async_api import Browser

from guide.parts import CUT_AT, cut, with_contents
from service.web.guide.routes import guide_routes
from tests.docs.blocks import ROOT
from tests.support.axe import violations
from tests.support.browsers import new_context
from tests.web.serving import serving

_WITH_WIDE_TABLES = ("index", "api/routes", "asvs", "decisions/0041-leases-have-a-fence")
MOST = 60_000
MKDOCS = Path(sys.executable).with_name("mkdocs")


def build(place: Path, config: Path) -> subprocess.CompletedProcess[str]:
    """Build the site as `make docs` does, to another place."""
    return subprocess.run(
        [MKDOCS, "build", "--strict", "--config-file", config, "--site-dir", place],
        env={"NO_MKDOCS_2_WARNING": "1", "PATH": ""},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built."""
    place = tmp_path_factory.mktemp("site")
    built = build(place, ROOT / "guide" / "mkdocs.yml")
    assert built.returncode == 0, built.stderr
    return place


def test_every_page_of_the_repository_is_in_the_site(site: Path) -> None:
    pages = {one.relative_to(ROOT / "docs") for one in (ROOT / "docs").rglob("*.md")}
    shown = {
        one.parent / ("index" if one.name == "README.md" else one.stem) for one in sorted(pages)
    }
    assert [one for one in shown if not (site / f"{one}.html").is_file()] == []
    for name in ("index", "changelog", "contributing", "errors", "variables"):
        assert (site / f"{name}.html").is_file()


def test_each_page_of_the_site_has_at_most_60_kb(site: Path) -> None:
    weights = {str(one.relative_to(site)): one.stat().st_size for one in site.rglob("*.html")}
    heavy = {page: weight for page, weight in weights.items() if weight > MOST}
    assert heavy == {}, "cut the page: CUT_AT in guide/parts.py"
    uncut = sum(weights[name] for name in weights if name.startswith("api/"))
    assert uncut > MOST, "control: the interface as one page would not fit"


def test_what_is_cut_has_all_its_headings_in_the_site_once(site: Path) -> None:
    for page in ("api", "architecture"):
        written = re.findall(
            r"^##+ (.+)$", (ROOT / "docs" / f"{page}.md").read_text(), re.MULTILINE
        )
        parts = [one.read_text() for one in (site / page).glob("*.html")]
        shown = [text for one in parts for text in re.findall(r'<h[12] id="[^"]*">(.*?)<a', one)]
        assert sorted(shown) == sorted(written)


def test_a_page_is_cut_at_one_level_and_loses_nothing() -> None:
    text = "# All\n\nfirst\n\n## [2] - today\n\nof 2\n\n### New\n\n#### In it\n\n```sh\n### no\n```"
    text += "\n\n## [1]\n\n### New\n\nlast"
    assert "changelog.md" in CUT_AT
    made = cut("changelog.md", text)
    assert made.beginning == "# All\n\nfirst\n"
    assert [(part.page, part.text) for part in made.parts] == [
        (
            "changelog/2-new.md",
            "# 2: New\n\nof 2\n\n\n## In it\n\n```sh\n### no\n```\n",
        ),
        ("changelog/1-new.md", "# 1: New\n\n\nlast"),
    ]
    assert "    - [In it](changelog/2-new.md#in-it)\n" in with_contents(made)


def test_control_a_link_to_nowhere_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Start\n\n[gone](gone.md), [here](#nowhere)\n")
    written = (ROOT / "guide" / "mkdocs.yml").read_text()
    alone = written.replace("../docs", "docs").replace("hooks: [hooks.py]", "")
    config = tmp_path / "mkdocs.yml"
    config.write_text(alone.partition("\nnav:")[0])
    built = build(tmp_path / "site", config)
    assert built.returncode != 0
    assert "'gone.md'" in built.stderr
    assert "'#nowhere'" in built.stderr


@pytest.mark.browser
@pytest.mark.soak
async def test_the_site_is_read_and_searched_without_the_internet(
    site: Path, browser: Browser
) -> None:
    """Soak: it reads the index of all pages; `test_guide` has how the site is served."""
    said: list[str] = []
    asked: list[str] = []
    app = Litestar([guide_routes(site)], openapi_config=None)
    async with serving(app) as address, await new_context(browser) as context:
        page = await context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        for width, dark in ((360, True), (1280, False)):
            await page.set_viewport_size({"width": width, "height": 780})
            await page.emulate_media(color_scheme="dark" if dark else "light")
            for name in _WITH_WIDE_TABLES:
                await page.goto(f"{address}/docs/guide/{name}.html")
                assert await violations(page) == [], (name, width)
        await page.goto(f"{address}/docs/guide/index.html")
        await page.fill("input[name=query]", "session_not_found")
        await page.wait_for_selector(".md-search-result__item >> text=session_not_found")
        await page.click(".md-search-result__item a")
        await page.wait_for_selector("h2:has-text('session_not_found')")
    assert said == []
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
