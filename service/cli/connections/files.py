"""Open files: each connection is one, and the default limit of the system is low."""

import resource

# Besides clients' connections: those to MongoDB (100) and to providers, libraries, logs.
OTHERS = 160
# Connections beyond the places: they may ask for health, and nothing else.
RESERVE = 32


def places(most: int) -> int:
    """Raise the limit of open files for `most` places and the reserve; return how many fit."""
    granted, possible = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + RESERVE + OTHERS
    if granted < wanted:
        granted = min(wanted, possible) if possible != resource.RLIM_INFINITY else wanted
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, possible))
    return max(1, min(most, granted - RESERVE - OTHERS))
