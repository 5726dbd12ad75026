"""How long a test waits for what comes soon or never: it ends one that hangs, and decides nothing.

How soon is the machine's affair. What a healthy run waits for comes in a hundredth of it.
"""

IN_TIME = 120.0
