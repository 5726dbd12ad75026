"""`make run` installs what running needs, and nothing that only tests and checks need."""

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.cli.running import clean_environment
from tests.deploy.manifests import ROOT
from tests.support.patience import IN_TIME

# What forecasts is an extra, and what imports it is a process of its own that is not begun without.
_OF_AN_EXTRA = {"pandas", "statsmodels"}
_OURS = {"service", "tillgate_sandbox"}


def _locked(lock: str) -> dict[str, str]:
    """Return each package of a lock with its version and hashes."""
    text = re.sub(r"^ *#.*\n", "", (ROOT / lock).read_text(), flags=re.MULTILINE)
    entries = re.split(r"\n(?=[a-z0-9])", text.strip())
    return {re.split(r"[=\[]", entry)[0]: entry for entry in entries}


def _version(entry: str) -> str:
    return entry.split()[0]


class _ThatRuns(ast.NodeTransformer):
    def visit_If(self, node: ast.If) -> ast.AST:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
        return self.generic_visit(node)


def _imported(sources: Iterable[str]) -> set[str]:
    """Return the packages that some sources import when they run, not what only types need."""
    found: set[str] = set()
    for source in sources:
        for node in ast.walk(_ThatRuns().visit(ast.parse(source))):
            if isinstance(node, ast.Import):
                found |= {one.name.partition(".")[0] for one in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").partition(".")[0])
    return found - set(sys.stdlib_module_names) - _OURS


def _lacking(imported: Iterable[str]) -> set[str]:
    """Return what is imported, and that no package of the lock brings."""
    locked = set(_locked("requirements-run.lock"))
    brings = packages_distributions()
    named = {name: {one.lower().replace("_", "-") for one in brings[name]} for name in imported}
    return {name for name, packages in named.items() if not packages & locked}


def _product() -> list[str]:
    return [
        path.read_text() for name in ("service", "sandbox") for path in (ROOT / name).rglob("*.py")
    ]


def test_whatever_the_product_and_the_sandbox_import_is_installed_by_make_run() -> None:
    assert _lacking(_imported(_product())) == _OF_AN_EXTRA
    assert _lacking({"pytest"}) == {"pytest"}  # the control
    assert _imported(["if TYPE_CHECKING:\n    import x\nelse:\n    import y"]) == {"y"}


def test_running_takes_the_versions_that_are_tested_and_none_of_the_tools() -> None:
    run, dev = _locked("requirements-run.lock"), _locked("requirements-dev.lock")
    # What one system alone needs says so in the one lock and not in the other.
    assert {name: _version(one) for name, one in run.items()}.items() <= {
        name: _version(one) for name, one in dev.items()
    }.items()
    tools = {"pytest", "playwright", "mypy", "ruff", "hypothesis", "mkdocs", "schemathesis"}
    assert tools & run.keys() == set()
    assert tools <= dev.keys()


@pytest.mark.parametrize(
    ("target", "locks"),
    [
        ("run", ["requirements-run.lock"]),
        ("test", ["requirements-run.lock", "requirements-dev.lock"]),
    ],
)
def test_each_target_installs_its_locks_and_says_so_before(target: str, locks: list[str]) -> None:
    told = subprocess.run(
        ["make", "--dry-run", "--always-make", target],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = [line for line in told.splitlines() if "-r requirements" in line or "echo" in line]
    installed = [line.rpartition(" ")[2] for line in lines if "-r requirements" in line]
    assert installed == locks
    # What takes long is announced, and pip shows how far it is.
    asked = [line for line in lines if "Python 3.11 or newer" not in line]
    assert [("Installing into" in line) for line in asked] == [True, False] * len(locks)
    assert not [line for line in asked if "--quiet" in line]


@pytest.mark.soak
def test_a_fresh_clone_runs_with_what_make_run_installs(tmp_path: Path) -> None:
    """Long: it installs 76 packages, from a registry."""
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in files.splitlines():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    env = clean_environment() | {"PYTHON": sys.executable}
    running = subprocess.Popen(
        ["make", "run", "PORT=0"],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert running.stdout is not None
    said: list[str] = []
    for line in running.stdout:
        said.append(line)
        if "Ctrl-C stops it" in line:
            break
    os.killpg(running.pid, signal.SIGTERM)
    running.communicate(timeout=IN_TIME)
    assert "Ctrl-C stops it" in said[-1], "".join(said)
    assert said[0].startswith("Installing into .venv what running needs")
    assert not list(tmp_path.glob(".venv/lib/*/site-packages/pytest"))
