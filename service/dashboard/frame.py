"""The dashboard's pages: their templates and static files."""

from service.web.pages.assets import Assets
from service.web.pages.rendering import Pages

ASSETS = Assets("service.dashboard", "/dashboard/assets")
PAGES = Pages(ASSETS)
