"""Runs commands of `tillgate`, each in a process of its own that is forked after the imports.

Reads a JSON object a line, `{"arguments", "cwd", "environment", "stdout", "stderr"}`, and answers
with the exit status. A start of Python for each would take a second, mostly to import.
"""

import gc
import json
import os
import sys
import traceback
from importlib import import_module

from service.cli.main import COMMANDS, main


def _run(asked: dict[str, object]) -> int:
    """Be a new process as far as a command can tell: its directory, environment and streams."""
    os.chdir(str(asked["cwd"]))
    os.environ.clear()
    os.environ.update(asked["environment"])  # type: ignore[arg-type]
    streams = (0, "/dev/null", os.O_RDONLY), (1, "stdout", os.O_WRONLY), (2, "stderr", os.O_WRONLY)
    for number, name, flags in streams:
        opened = os.open(str(asked.get(name, name)), flags)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = ["tillgate", *asked["arguments"]]  # type: ignore[misc]
    try:
        main()
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        print(ended.code, file=sys.stderr)  # noqa: T201
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def serve() -> None:
    """Fork a process for each line until there are no more."""
    for command in COMMANDS.values():
        import_module(command.module)
    import_module("service.app")
    gc.freeze()  # a child that looked through all that would copy it
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            status = _run(asked)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
        _, ended = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(ended), flush=True)  # noqa: T201


if __name__ == "__main__":
    serve()
