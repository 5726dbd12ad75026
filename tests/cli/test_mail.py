"""`tillgate mail`: what was sent, a test of the settings, a preview."""

import asyncio
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.cli.running import Run, tillgate
from tests.notifications.mail.servers import serving
from tests.support.built import app
from tests.support.settings import VARIABLES
from tests.support.shop import Shop, shop

__all__ = ["app", "shop"]


@pytest.fixture
def run(shop: Shop, mongo_uri: str, tmp_path: Path) -> Run:
    """Run a command on the shop's database, with a mail server or without."""
    env = VARIABLES | {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": shop.database.name}

    def run(*arguments: str, smtp: str = "") -> CompletedProcess[str]:
        mail = {"SMTP_URL": smtp, "MAIL_FROM": "shop@tillgate.example"}
        return tillgate("mail", *arguments, cwd=tmp_path, env=env | mail)

    return run


async def test_a_test_mail_says_what_the_server_said_and_is_listed(shop: Shop, run: Run) -> None:
    async with serving() as server:
        sent = await asyncio.to_thread(run, "send-test", "me@shop.example", smtp=server.url)
        assert (sent.returncode, sent.stdout) == (0, ""), sent.stderr
        assert "Sent to m***@shop.example: 250 OK queued" in sent.stderr
        assert len(server.to("me@shop.example")) == 1
        server.for_address["you@shop.example"] = "550 5.1.1 No such user"
        refused = await asyncio.to_thread(run, "send-test", "you@shop.example", smtp=server.url)
        assert refused.returncode == 1
        assert "550 5.1.1 No such user" in refused.stderr
    acts = await shop.database["audit_log"].find({"action": "mail.test_sent"}).to_list()
    assert [one["detail"]["to"] for one in acts] == ["m***@shop.example", "y***@shop.example"]
    listed = (await asyncio.to_thread(run, "list")).stdout.splitlines()
    assert [line.split("\t")[2:5] for line in listed] == [
        ["test", "y***@shop.example", "refused"],
        ["test", "m***@shop.example", "sent"],
    ]


async def test_without_a_server_a_test_mail_says_what_to_set(run: Run) -> None:
    done = await asyncio.to_thread(run, "send-test", "me@shop.example")
    assert done.returncode == 1
    assert "set SMTP_URL" in done.stderr


async def test_a_preview_is_filled_in_with_examples(run: Run) -> None:
    text = (await asyncio.to_thread(run, "preview", "refunded")).stdout.replace("\xa0", " ")
    assert text.startswith("Your refund from default: EUR 1,299.00\n\n")
    html = (await asyncio.to_thread(run, "preview", "refunded", "--html")).stdout
    assert html.startswith("<!DOCTYPE html>")
