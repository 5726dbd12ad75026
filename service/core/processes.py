"""What the operating system does for processes that belong together."""

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Have this process sent SIGTERM when its parent is gone, however that ended.

    It is the end of the *thread* that started this process which counts: start it from the main
    one. Only Linux can do it; elsewhere nothing happens.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
