"""The frame that the sandbox's pages share."""

from service.web.pages.assets import Assets
from service.web.pages.markup import Html
from service.web.pages.page import Link, Page

ASSETS = Assets("tillgate_sandbox.pages", "/sandbox/assets")

LINKS = (Link("/shop", "Shop"), Link("/sandbox/chaos", "Chaos"), Link("/dashboard", "Dashboard"))


def frame(title: str, main: Html, script: str, *, narrow: bool = False) -> Page:
    """Put content into the frame, with the script that brings it to life."""
    return Page(
        title=title,
        main=main,
        place="Tillgate sandbox",
        home="/sandbox/chaos",
        links=LINKS,
        styles=(ASSETS.url("sandbox.css"),),
        scripts=(ASSETS.url(script),),
        notice="This is a sandbox. No provider is asked and no money moves.",
        width="narrow" if narrow else "wide",
    )
