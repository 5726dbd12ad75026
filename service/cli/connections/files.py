"""Open files: each connection is one, and the system allows few unless asked for more."""

import resource

# Besides connections of clients: those to MongoDB (100) and to providers, libraries, logs.
OTHERS = 160
# Connections beyond all places: they may ask for health, and nothing else.
RESERVE = 32


def places(most: int) -> int:
    """Ask for the open files that `most` places and the reserve need; return how many fit."""
    granted, possible = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + RESERVE + OTHERS
    if granted < wanted:
        granted = min(wanted, possible) if possible != resource.RLIM_INFINITY else wanted
        resource.setrlimit(resource.RLIMIT_NOFILE, (granted, possible))
    return max(1, min(most, granted - RESERVE - OTHERS))
