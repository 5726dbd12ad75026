"""What the machine says: processor time and memory of processes, and what it is."""

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def children_of(pid: int) -> list[int]:
    """Return all processes below one."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *children_of(int(child))]
    return found


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process and those below it have used so far."""
    total = 0
    for one in (pid, *children_of(pid)):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process and those below it."""
    total = 0
    for one in (pid, *children_of(pid)):
        for line in Path(f"/proc/{one}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total / 1024


def described() -> dict[str, str]:
    """Return the machine and the versions that a figure belongs to."""
    cpu = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
    memory = Path("/proc/meminfo").read_text().split()[1]
    packages = ("litestar", "beanie", "pymongo", "pydantic", "msgspec", "uvicorn", "uvloop")
    return {
        "processor": f"{cpu}, {os.cpu_count()} cores",
        "memory": f"{int(memory) // 1024 // 1024} GB",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "node": _said(["node", "--version"]),
        "wrk": _said(["wrk", "--version"]).partition(" Copyright")[0],
        **{name: version(name) for name in packages},
    }


def _said(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().splitlines()[0]
