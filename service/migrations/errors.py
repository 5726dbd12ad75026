"""What can be wrong with a database's layout."""

from service.core.errors import Conflict, Misconfigured


class LayoutDiffers(Misconfigured):
    """The database has the layout of another version."""


class MigrationUnderway(Conflict):
    """Another run holds the lease, or has taken it over."""
