"""The docs as a site, for a development server: `make docs` builds what is shown here."""
