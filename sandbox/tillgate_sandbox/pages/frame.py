"""The sandbox's pages: their templates and static files."""

from service.web.pages.assets import Assets
from service.web.pages.rendering import Pages

ASSETS = Assets("tillgate_sandbox.pages", "/sandbox/assets")
PAGES = Pages(ASSETS)
