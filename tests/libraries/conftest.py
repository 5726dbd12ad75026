"""The sandbox on loopback, and the official libraries as their registries have them."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from service.core.clock import SystemClock
from service.providers.phonepe.settings import PhonePeSettings
from service.providers.razorpay.settings import RazorpaySettings
from service.storage.database import Database
from tests.sandbox.lab import STRIPE_KEY, Lab, running_lab
from tests.support.patience import IN_TIME

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Libraries:
    """What is installed: a program, and the folder that it is run in."""

    program: Path
    folder: Path

    async def run(self, script: str, lab: Lab) -> list[dict[str, Any]]:
        """Run a script against a sandbox, and return the calls that its library made."""
        # No proxy is asked: whatever leaves the loopback fails.
        process = await asyncio.create_subprocess_exec(
            str(self.program),
            script,
            json.dumps(_told(lab)),
            cwd=self.folder,
            env={"PATH": "", "http_proxy": "http://127.0.0.1:9", "no_proxy": "127.0.0.1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(IN_TIME):
            out, err = await process.communicate()
        assert process.returncode == 0, err.decode()[-4000:]
        calls: list[dict[str, Any]] = json.loads(out.splitlines()[-1])
        return calls


def _told(lab: Lab) -> dict[str, Any]:
    """Return what a script is told: the address, and the keys of the merchant."""
    settings = lab.sandbox.settings
    razorpay, phonepe = settings.of(RazorpaySettings), settings.of(PhonePeSettings)
    return {
        "address": lab.address,
        "stripeKey": STRIPE_KEY,
        "razorpayKey": razorpay.key_id,
        "razorpaySecret": razorpay.key_secret,
        "phonepeId": phonepe.client_id,
        "phonepeSecret": phonepe.client_secret,
        "phonepeVersion": int(phonepe.client_version),
    }


def _installed(folder: Path, *commands: list[str]) -> None:
    for command in commands:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=600)


@pytest_asyncio.fixture
async def lab(database: Database) -> AsyncIterator[Lab]:
    """A sandbox on the real clock, by which a library knows whether its token is good still."""
    async with running_lab(database, SystemClock()) as running:
        yield running


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Libraries:
    """The libraries for Node, in a folder of their own."""
    folder = tmp_path_factory.mktemp("node") / "libraries"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("*.py", "node_modules"))
    _installed(folder, ["npm", "ci", "--silent"])
    return Libraries(Path(shutil.which("node") or "node"), folder)


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Libraries:
    """The libraries for Python, apart: PhonePe's wants an older `requests` than the tests have."""
    folder = tmp_path_factory.mktemp("python") / "libraries"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("node_modules"))
    program = folder / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(program), "install", "--quiet"]
    _installed(
        folder,
        [sys.executable, "-m", "venv", "--without-pip", "venv"],
        [*pip, "--require-hashes", "-r", "requirements.lock"],
    )
    return Libraries(program, folder)
