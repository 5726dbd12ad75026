"""What `mkdocs` adds to docs/: pages that live elsewhere in the repository, and those of errors.

Links are written so that they work in the repository; here they are led to the pages of the site.
"""

import posixpath
import re
from functools import cache
from http import HTTPStatus
from itertools import groupby
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from parts import CUT_AT, Cut, cut, whole_of, with_contents

from service.web.error_pages.codes import explained

ROOT = Path(__file__).parents[1]

# A page of the site, and the file of the repository that it shows.
ELSEWHERE = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "vulnerabilities.md": "SECURITY.md",
    "results.md": "bench/RESULTS.md",
    "results.svg": "bench/results.svg",
    "benchmark.md": "bench/README.md",
    "variables.md": ".env.example",
    "licence.md": "LICENSE",
    "mark.svg": "service/web/pages/static/mark.svg",
    "guide.css": "guide/guide.css",
    "guide.js": "guide/guide.js",
}
_TITLES = {".env.example": "Variables", "LICENSE": "Licence"}
_PAGES = {source: page for page, source in ELSEWHERE.items()}
_LINK = re.compile(r"\[([^\[\]]*)\]\((?!\w+:)([^)#\s]*)(#[^)\s]*)?\)")
_INDENTED = re.compile(r"(<pre\b.*?</pre>)|\s*\n\s*", re.DOTALL)


def on_config(config: MkDocsConfig) -> None:
    """Put the parts of long pages into the navigation."""
    for entries in [entries for kind in config.nav or [] for entries in kind.values()]:
        for entry in entries if isinstance(entries, list) else []:
            for title, page in entry.items():
                if page in CUT_AT:
                    entry[title] = [page, *(part.page for part in _cut_of(page).parts)]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is not in docs/, and the parts of long pages."""
    for page, source in ELSEWHERE.items():
        files.append(File.generated(config, page, content=_shown(source)))
    files.append(File.generated(config, "errors.md", content=_errors()))
    for part in [part for page in CUT_AT for part in _cut_of(page).parts]:
        files.append(File.generated(config, part.page, content=part.text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead each link to the page of the site that shows its file."""
    here = page.file.src_uri
    whole = whole_of(here)
    source = ELSEWHERE.get(whole, f"docs/{whole}")

    def led(link: re.Match[str]) -> str:
        text, path, anchor = link.groups(default="")
        beside = posixpath.join(posixpath.dirname(source), path)
        target = posixpath.normpath(beside) if path else source
        there, is_docs = ROOT / target, target.startswith("docs/")
        if there.is_dir() or (there.is_file() and target not in _PAGES and not is_docs):
            return text  # a folder or a source: the site has no page of it
        shown = _PAGES.get(target) or target.removeprefix("docs/")
        if shown in CUT_AT:
            shown = _cut_of(shown).pages.get(anchor.removeprefix("#"), shown)
        return f"[{text}]({posixpath.relpath(shown, posixpath.dirname(here) or '.')}{anchor})"

    return _LINK.sub(led, with_contents(_cut_of(here)) if here in CUT_AT else markdown)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Name the theme's search, leave no head of a table without a word, and no indentation.

    A fifth of the smaller pages was the theme's indentation.
    """
    named = output.replace('role="dialog"', 'role="dialog" aria-label="Search"')
    headed = named.replace("<th></th>", "<td></td>")
    return _INDENTED.sub(lambda found: found[1] or "\n", headed)


@cache
def _cut_of(page: str) -> Cut:
    source = ELSEWHERE.get(page, f"docs/{page}")
    return cut(page, _errors() if page == "errors.md" else _shown(source))


def _shown(source: str) -> str:
    text = (ROOT / source).read_text("utf-8")
    if source not in _TITLES:
        return text
    return f"# {_TITLES[source]}\n\nThe file `{source}`.\n\n```text\n{text}```\n"


def _errors() -> str:
    """Write the pages of errors as one by status, by which they are found in the search."""
    parts = ["# Errors", "", "What `error` says in a problem, by its status:"]
    by_status = sorted(explained().items(), key=lambda entry: entry[1].status)
    for status, codes in groupby(by_status, lambda entry: entry[1].status):
        parts += ["", f"## {status} {HTTPStatus(status).phrase}"]
        for code, about in codes:
            change = about.change if about.change.endswith(".") else f"{about.change}."
            parts += ["", f"### `{code}`", "", f"**{about.title}.** {about.when} {change}"]
    return "\n".join(parts) + "\n"
