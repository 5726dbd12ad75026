"""The command line: `tillgate`."""
