"""What was stored reaches no terminal, page or log as it is: it could act on who reads it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import service.cli
from service.cli import screen
from service.cli.main import cli
from service.core import errors
from service.core.visible import has_hidden, visible, visible_line
from service.dashboard.login.page import login_page
from service.web.logs.masking import mask_entry
from service.web.pages import rendering

TITLE, CSI, TURNED = "\x1b]0;owned\x07", "\x9b2J", "\u202egpj.exe"
HOSTILE = f"a{TITLE}{CSI}{TURNED}\r\x7f"
WRITTEN = r"a\u001b]0;owned\u0007\u009b2J\u202egpj.exe\u000d\u007f"


@given(st.text())
def test_what_is_visible_hides_nothing_and_is_visible_already(text: str) -> None:
    seen = visible(text)
    assert not has_hidden(seen)
    assert visible(seen) == seen
    assert "\n" not in visible_line(text)
    if not has_hidden(text):
        assert seen == text


@given(st.dictionaries(st.text(), st.text() | st.lists(st.text(), max_size=3), max_size=4))
def test_json_stays_the_same_json(value: Any) -> None:
    assert json.loads(visible(json.dumps(value, indent=2, ensure_ascii=False))) == value


def test_the_words_of_people_stay() -> None:
    for words in ("Zoë", "नमस्ते क्\u200dष", "می\u200cخواهم", "שלום", "👩\u200d💻", "two\nlines\tin"):
        assert visible(words) == words


def everything(capsys: pytest.CaptureFixture[str]) -> str:
    """Print the hostile text in each way that commands have; return what came out."""
    screen.say(HOSTILE)
    screen.warn(HOSTILE)
    screen.show(HOSTILE)
    screen.show_table(("one", HOSTILE), [(1, HOSTILE), (2, f"{HOSTILE}\n\t")], empty=HOSTILE)
    screen.show_table(("one",), [], empty=HOSTILE)
    problem = errors.FieldProblem(HOSTILE, HOSTILE)
    screen.report_error(errors.Misconfigured(f"{HOSTILE}: it", problems=(problem,)))
    screen.report_error(errors.Misconfigured(HOSTILE))
    screen.out().print(screen.escape(HOSTILE))
    read = capsys.readouterr()
    return read.out + read.err


def test_nothing_that_is_printed_acts_on_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    said = everything(capsys)
    assert said.count(WRITTEN) == 11
    assert not has_hidden(said)


def test_nothing_that_is_printed_acts_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "400")
    said = everything(capsys)
    assert "\x1b[" in said  # rich's own colours
    assert not has_hidden(re.sub(r"\x1b\[[0-9;]*m", "", said))


@pytest.mark.parametrize("narrow", ["80", "20"])
def test_in_a_narrow_terminal_no_word_is_broken_and_nothing_acts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, narrow: str
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", narrow)
    ids = [f"{letter * 70}:mail" for letter in "ab"]
    screen.show_table(("id", "error"), [(one, f"{HOSTILE} [bold]") for one in ids], empty="")
    said = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert not has_hidden(said)
    blocks = [f"id     {one}\nerror  {WRITTEN} [bold]\n" for one in ids]
    assert said == "\n".join(blocks)


def test_where_all_words_fit_it_is_a_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    for length, blocks in ((80 - 3 - len("word") - 3, False), (80, True)):
        screen.show_table(("one", "two"), [("x" * length, "word " * 30)], empty="")
        said = capsys.readouterr().out
        assert "x" * length in said
        assert ("──" not in said) == blocks


def test_a_short_line_is_not_broken_for_the_sake_of_a_long_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    did, does = "expired: 3, asked: 12, purged: 200", "all of it: expires, retries, delivers " * 3
    moment = "2026-11-22 05:45:24"
    line = ("cleanup", does, "every 5 min", "failed", moment, did)
    screen.show_table(("job", "does", "called", "status", "last run", "did"), [line], empty="")
    said = capsys.readouterr().out
    assert "every 5 min" in said
    assert moment not in said  # the control: not everything has room


def test_the_control_without_the_guard_a_terminal_is_acted_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "visible", lambda text: text)
    monkeypatch.setattr(screen, "visible_line", lambda text: text)
    said = everything(capsys)
    assert TITLE in said
    assert TURNED in said


def test_all_output_of_commands_goes_through_one_place() -> None:
    other_ways = re.compile(
        r"(?<![.\w])print\(|click\.(s?echo|secho)|Console\(|rich\.markup|\.stdout\.write|\.stderr\.write"
    )
    root = Path(service.cli.__file__).parent
    printing = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if other_ways.search(path.read_text())
    }
    # What the manifests print is printed inside a CronJob's container, by a script in their text.
    assert printing == {"screen.py", "manifests.py"}


@pytest.mark.usefixtures("bare")
def test_an_argument_that_comes_back_in_an_error_is_written_out() -> None:
    wanted = ("--from", "Old", "--currency", f"X{TITLE}", "--unit", "minor")
    told = CliRunner().invoke(cli, ["import", "sessions", *wanted])
    assert told.exit_code == 1
    assert r"\x1b" in told.stderr or r"\u001b" in told.stderr
    assert not has_hidden(told.stderr)


def test_no_page_and_no_log_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    page = login_page(HOSTILE, HOSTILE).content
    assert page.count(WRITTEN) == 2
    assert not has_hidden(page)
    entry = mask_entry(None, "info", {"event": HOSTILE, "row": {"name": [HOSTILE]}})
    assert not has_hidden(str(entry["event"]) + entry["row"]["name"][0])
    monkeypatch.setattr(rendering, "visible", lambda text: text)  # the control
    assert has_hidden(login_page(HOSTILE, HOSTILE).content)
