"""What `mkdocs` adds to docs/: pages that live elsewhere in the repository, and those of errors.

Links are written so that they work in the repository; here they are led to the pages of the site.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

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
_LINK = re.compile(r"\[([^\[\]]*)\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is not in docs/."""
    for page, source in ELSEWHERE.items():
        files.append(File.generated(config, page, content=_shown(source)))
    files.append(File.generated(config, "errors.md", content=_errors()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead each link to the page of the site that shows its file."""
    here = page.file.src_uri
    source = ELSEWHERE.get(here, f"docs/{here}")

    def led(link: re.Match[str]) -> str:
        text, path, anchor = link.groups(default="")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        there, is_docs = ROOT / target, target.startswith("docs/")
        if there.is_dir() or (there.is_file() and target not in _PAGES and not is_docs):
            return text  # a folder or a source: the site has no page of it
        shown = _PAGES.get(target) or target.removeprefix("docs/")
        return f"[{text}]({posixpath.relpath(shown, posixpath.dirname(here) or '.')}{anchor})"

    return _LINK.sub(led, markdown)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Name the theme's search, and leave no head of a table without a word."""
    named = output.replace('role="dialog"', 'role="dialog" aria-label="Search"')
    return named.replace("<th></th>", "<td></td>")


def _shown(source: str) -> str:
    text = (ROOT / source).read_text("utf-8")
    if source not in _TITLES:
        return text
    return f"# {_TITLES[source]}\n\nThe file `{source}`.\n\n```text\n{text}```\n"


def _errors() -> str:
    """Write the pages of errors as one page, by which they are found in the search."""
    parts = [
        "# Errors",
        "",
        "What `error` says in a problem; [the API](api.md#errors) lists them by",
    ]
    parts[-1] += " their status."
    for code, about in explained().items():
        when, change = (
            about.when,
            about.change if about.change.endswith(".") else f"{about.change}.",
        )
        parts += ["", f"## `{code}`", "", f"**{about.title}** ({about.status}). {when} {change}"]
    return "\n".join(parts) + "\n"
