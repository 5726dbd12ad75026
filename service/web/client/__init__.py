"""The browser client, `tillgate-browser`, as it was built from `clients/browser`."""
