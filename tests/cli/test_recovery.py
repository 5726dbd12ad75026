"""`tillgate recovery` on a database, as an operator uses it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from service.recovery.documents import Recovery
from tests.cli.test_commands import Shop as OnDisk


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, mongo_uri: str) -> Iterator[OnDisk]:
    """A shop that three customers left, of whom one was held out and one paid."""
    made = OnDisk(tmp_path_factory.mktemp("recovery"), mongo_uri)
    made.ok("indexes", "apply")
    now = datetime.now(UTC)
    made.database["recoveries"].insert_many(
        Recovery.new_row(
            {
                "_id": f"default:s-{n}",
                "merchantId": "default",
                "sessionId": f"s-{n}",
                "userId": f"u{n}",
                "item": "plan:gold",
                "provider": "upi",
                "arm": arm,
                "status": status,
                "leftAt": now,
                "enrolledAt": now - timedelta(hours=n),
                "nextAt": now,
                "outcomeAt": now,
                "purgeAt": now + timedelta(days=180),
            }
        )
        for n, (arm, status) in enumerate(
            (("reminded", "paid"), ("reminded", "unpaid"), ("held_out", "unpaid"))
        )
    )
    yield made
    made.close()


def test_a_policy_is_set_part_by_part(shop: OnDisk) -> None:
    assert json.loads(shop.ok("recovery", "policy", "--json"))["enabled"] is False
    shop.ok("recovery", "set", "--after", "2", "--after", "9", "--quiet", "20", "7")
    shop.ok("recovery", "set", "--held-out", "20", "--no-mail")
    found = json.loads(shop.ok("recovery", "policy", "--json"))
    assert (found["enabled"], found["after"], found["heldOut"]) == (True, [2, 9], 20)
    assert (found["quietFrom"], found["quietUntil"], found["mail"]) == (20, 7, False)
    assert "heldOut\t20" in shop.ok("recovery", "policy")


def test_a_policy_that_can_not_be_is_refused_in_words(shop: OnDisk) -> None:
    refused = shop.run("recovery", "set", *(word for n in "1234" for word in ("--after", n)))
    assert refused.returncode == 1
    assert "after must have at most 3" in refused.stderr.replace("List ", "")
    assert "Traceback" not in refused.stderr


def test_what_was_left_is_listed(shop: OnDisk) -> None:
    done = shop.run("recovery", "list", "--limit", "2")
    assert "s-0" in done.stdout
    assert "s-2" not in done.stdout
    cursor = done.stderr.rpartition(" ")[2].strip()
    assert "s-2" in shop.ok("recovery", "list", "--cursor", cursor)
    assert "s-2" in shop.ok("recovery", "list", "--status", "unpaid")


def test_the_lift_is_told_with_its_interval(shop: OnDisk) -> None:
    done = shop.run("recovery", "lift")
    assert "reminded\t2\t1\t50.0%\t0\t0" in done.stdout
    assert "Difference: +50.0%, between" in done.stderr
    told = json.loads(shop.ok("recovery", "lift", "--days", "7", "--json"))
    assert (told["lift"]["heldOut"]["paid"], told["lift"]["difference"]["by"]) == (0, 0.5)


def test_a_session_that_is_gone_is_previewed_and_not_sent(shop: OnDisk) -> None:
    seen = json.loads(shop.ok("recovery", "preview", "s-1"))
    assert (seen["why"], seen["mail"]) == ("The session is gone.", None)
    refused = shop.run("recovery", "send", "s-1")
    assert refused.returncode == 1
    assert "It is unpaid already." in refused.stderr


def test_what_was_never_left_is_refused_in_the_words_of_a_command(shop: OnDisk) -> None:
    for act in ("preview", "send"):
        refused = shop.run("recovery", act, "nosuch")
        assert refused.returncode == 1
        assert "The list of those that were left says which there are." in refused.stderr
        assert "/api/" not in refused.stderr
