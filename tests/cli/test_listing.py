"""Whatever a command lists, `--json` gives to programs; help fits 80 columns; shells complete."""

import json
import os
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

import click
import pytest
from click.testing import CliRunner

from service.cli import listing
from service.cli.listing import Cell, Facts, Found, Rows, lists
from service.cli.main import COMMANDS, cli
from service.core.clock import EARLIEST
from tests.cli.test_commands import Shop, indexed_shop
from tests.cli.test_every_act import CHANGE_NOTHING, all_commands

__all__ = ["indexed_shop"]

# What changes nothing and lists nothing, and why.
_LISTS_NOTHING = {
    **dict.fromkeys(("listen", "serve", "dev", "sandbox storm", "events send"), "runs or sends"),
    **dict.fromkeys(
        ("jobs manifests", "mail preview", "recovery preview"), "prints one text, to be piped"
    ),
    "events show": "prints JSON in any case",
    "intents export": "writes a file, of either kind",
}
# Beside those that change nothing: they say what they met, or did.
_LISTING = (CHANGE_NOTHING - _LISTS_NOTHING.keys()) | {
    *("alerts check", "intents cleanup", "reports close")
}
# They judge, count on and on, or show what may be set: they have words of their own for it.
_OWN_WORDS = {"doctor", "intents watch", "recovery policy", "recovery lift"}
# Of these something has to be there first: test_sessions.py and others ask them.
_OF_ONE = {
    *("sessions show", "sessions timeline", "payments show", "reviews show", "endpoints sent"),
}
_WITH = {"jobs runs": ["cleanup"], "merchants show": ["default"]}


def _loaded(words: str) -> click.Command:
    name, _, sub = words.partition(" ")
    command = COMMANDS[name].load()
    if isinstance(command, click.Group):
        context = click.Context(command)
        found = command.resolve_command(context, [sub])[1]
        assert found is not None
        return found
    return command


def _code_of(command: click.Command) -> CodeType:
    assert isinstance(command.callback, FunctionType)
    return command.callback.__code__


def _takes_json(words: str) -> bool:
    return any("--json" in parameter.opts for parameter in _loaded(words).params)


def test_each_command_that_lists_takes_json_and_no_other_one() -> None:
    found = {words for words in all_commands() if _takes_json(words)}
    assert found == _LISTING


def test_each_command_that_lists_goes_through_the_one_place() -> None:
    own = {words for words in _LISTING if _code_of(_loaded(words)).co_filename == listing.__file__}
    assert own == _LISTING - _OWN_WORDS


@pytest.fixture
def shop(indexed_shop: Shop) -> Shop:
    """The shop with its merchant, emptied otherwise."""
    for name in set(indexed_shop.database.list_collection_names()) - {"merchants"}:
        indexed_shop.database[name].delete_many({})
    return indexed_shop


def test_each_of_them_prints_json_and_nothing_else(shop: Shop) -> None:
    shop.ok("keys", "create", "secret", "--name", "ops")
    shop.ok("prices", "set", "premium", "2999", "USD", "--title", "Premium")
    shop.run("jobs", "run", "cleanup")
    printed: dict[str, Any] = {}
    for words in sorted(_LISTING - _OF_ONE - _OWN_WORDS):
        done = shop.run(*words.split(), *_WITH.get(words, []), "--json")
        assert done.returncode == 0, (words, done.stderr)
        printed[words] = json.loads(done.stdout)
    (key,) = printed["keys list"]["keys"]
    assert (key["name"], key["ends"], key["lastUsed"]) == ("ops", None, None)
    assert key["created"].endswith("Z")
    (price,) = printed["prices list"]["prices"]
    assert (price["minorUnits"], price["trialDays"]) == (2999, None)
    assert printed["prices list"]["coupons"] == []
    assert printed["sessions list"] == {"sessions": [], "nextCursor": None}
    assert printed["merchants show"]["merchant"]["recipients"] == []
    assert printed["jobs runs"]["runs"][0]["state"] == "done"


def _shown(found: Found, *arguments: str) -> tuple[str, str, int]:
    @click.command()
    @lists
    def command() -> Found:
        return found

    done = CliRunner().invoke(command, arguments)
    return done.stdout, done.stderr, done.exit_code


def test_people_read_a_table_and_programs_values() -> None:
    rows = [(Cell("3 h", EARLIEST), ("a", "b"), None)]
    found = Found(
        [Rows("things", ("since", "kinds of it", "error"), rows), Facts("whole", {"is it": True})],
        paged=True,
        warnings=["odd"],
        notes=["and so on"],
        wrong=True,
    )
    out, err, status = _shown(found)
    assert out.splitlines() == ["3 h\ta, b\t-", "is it\tTrue"]
    assert err.splitlines() == ["warning odd", "and so on"]
    assert status == 1
    out, err, status = _shown(found, "--json")
    thing = {"since": "1970-01-01T00:00:00Z", "kindsOfIt": ["a", "b"], "error": None}
    assert json.loads(out) == {"things": [thing], "whole": {"isIt": True}, "nextCursor": None}
    assert err.splitlines() == ["warning odd", "and so on"]
    assert status == 1


def test_what_was_stored_acts_on_nobody_who_reads_it_as_json() -> None:
    out, _, _ = _shown(Found([Facts("it", {"name": "a\x1b]0;owned\x07"})]), "--json")
    assert "\x1b" not in out
    assert json.loads(out)["it"]["name"] == "a\x1b]0;owned\x07"


def test_nothing_found_is_said_to_people_alone() -> None:
    found = Found([Rows("things", ("a",), [], "There are none."), Rows("others", ("b",), [])])
    assert _shown(found) == ("", "There are none.\n", 0)
    out, err, _ = _shown(found, "--json")
    assert (json.loads(out), err) == ({"things": [], "others": []}, "")


def _groups() -> Iterator[str]:
    yield from ("", *COMMANDS, *(words for words in all_commands() if " " in words))


@pytest.mark.parametrize("words", [*_groups()])
def test_each_help_fits_80_columns(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    told = CliRunner().invoke(cli, [*words.split(), "--help"])
    assert told.exit_code == 0
    assert [line for line in told.stdout.splitlines() if len(line) > 80] == []
    assert ".." not in told.stdout.replace("...", "")


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("tillgate sessi", ["sessions"]),
        ("tillgate sessions ti", ["timeline"]),
        ("tillgate sessions list --stat", ["--status"]),
        ("tillgate sessions list --status comp", ["completed"]),
        ("tillgate jobs run clean", ["cleanup"]),
        ("tillgate sesions sh", []),  # a mistake on the way is no message in the middle of a line
    ],
)
def test_a_shell_completes_commands_options_and_values(line: str, offers: list[str]) -> None:
    words = line.split()
    asked = {"_TILLGATE_COMPLETE": "bash_complete", "COMP_WORDS": line}
    asked["COMP_CWORD"] = str(len(words) - 1)
    told = CliRunner().invoke(
        cli, [], prog_name="tillgate", env=asked | {"PATH": os.environ["PATH"]}
    )
    assert told.output.split() == [f"plain,{one}" for one in offers]


def test_control_without_the_option_there_is_no_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_document", lambda found: "no JSON")
    out, _, _ = _shown(Found([Facts("it", {"a": 1})]), "--json")
    with pytest.raises(json.JSONDecodeError):
        json.loads(out)
