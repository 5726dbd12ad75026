"""A machine on which something is not installed: the same packages but one."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.cli.running import Interpreter, end_forking, tillgate

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Installed:
    """Packages in a directory of their own; no other is looked for."""

    site: Path

    @property
    def program(self) -> tuple[str, ...]:
        """Return what starts `tillgate` there."""
        return (sys.executable, "-S", "-c", "from service.cli.start import main; main()")

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that it needs."""
        return {"PYTHONPATH": f"{self.site}:{ROOT}"}

    def run(self, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; what is installed is looked for when it runs."""
        return tillgate(*arguments, cwd=cwd, env=self.environment, interpreter=self._interpreter)

    def leave(self) -> None:
        """Run nothing there any more."""
        end_forking(self._interpreter)

    @property
    def _interpreter(self) -> Interpreter:
        return (sys.executable, "-S"), tuple(self.environment.items())


def installed_without(name: str, place: Path) -> Installed:
    """Lead to whatever is installed here, but for what begins with a name."""
    for site in [Path(it) for it in sys.path if it.endswith("site-packages")]:
        for package in site.iterdir():
            link = place / package.name
            if not package.name.lstrip("_").startswith(name) and not link.exists():
                link.symlink_to(package)
    return Installed(place)


def with_broken(name: str, there: Installed, module: str) -> Installed:
    """Put an extension there of which only this much is left: its entry point, and a module."""
    told = there.site / f"{name}-0.1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 0.1.0\n")
    (told / "entry_points.txt").write_text(f"[tillgate.extension]\nbroken = {name}:SANDBOX\n")
    (there.site / f"{name}.py").write_text(module)
    return there
