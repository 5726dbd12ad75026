"""The table of ASVS requirements: complete, and true of the code and tests that it names."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Every requirement of level 1 of ASVS 5.0, and of level 2 in V2, V6, V7, V8 and V16: how many
# stand in each section, counted from 1.
SECTIONS: dict[str, tuple[int, ...]] = {
    "1.2": (1, 2, 3, 4, 5),
    "1.3": (1, 2),
    "1.5": (1,),
    "2.1": (1, 2, 3),
    "2.2": (1, 2, 3),
    "2.3": (1, 2, 3, 4),
    "2.4": (1,),
    "3.2": (1, 2),
    "3.3": (1,),
    "3.4": (1, 2),
    "3.5": (1, 2, 3),
    "4.1": (1,),
    "4.4": (1,),
    "5.2": (1, 2),
    "5.3": (1, 2),
    "6.1": (1, 2, 3),
    "6.2": tuple(range(1, 13)),
    "6.3": (1, 2, 3, 4),
    "6.4": (1, 2, 3, 4),
    "6.5": (1, 2, 3, 4, 5),
    "6.6": (1, 2, 3),
    "6.8": (1, 2, 3, 4),
    "7.1": (1, 2, 3),
    "7.2": (1, 2, 3, 4),
    "7.3": (1, 2),
    "7.4": (1, 2, 3, 4, 5),
    "7.5": (1, 2),
    "7.6": (1, 2),
    "8.1": (1, 2),
    "8.2": (1, 2, 3),
    "8.3": (1,),
    "8.4": (1,),
    "9.1": (1, 2, 3),
    "9.2": (1,),
    "10.4": (1, 2, 3, 4, 5),
    "11.3": (1, 2),
    "11.4": (1,),
    "12.1": (1,),
    "12.2": (1, 2),
    "13.4": (1,),
    "14.2": (1,),
    "14.3": (1,),
    "15.1": (1,),
    "15.2": (1,),
    "15.3": (1,),
    "16.1": (1,),
    "16.2": (1, 2, 3, 4, 5),
    "16.3": (1, 2, 3, 4),
    "16.4": (1, 2, 3),
    "16.5": (1, 2, 3),
}
_ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| (.+?) \|(.*?)\|(.*?)\|$", re.MULTILINE)
_QUOTED = re.compile(r"`([^`]+)`")
_REASON = "Not here: "


def _rows() -> list[tuple[str, str, str, str]]:
    return _ROW.findall((ROOT / "docs" / "asvs.md").read_text())


def _all_tests() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        found.update(re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE))
    return found


def test_every_requirement_has_its_row() -> None:
    wanted = [f"{section}.{n}" for section, numbers in SECTIONS.items() for n in numbers]
    assert [number for number, *_ in _rows()] == wanted


def test_every_row_has_code_and_a_test_or_a_reason() -> None:
    tests = _all_tests()
    for number, what, code, named in _rows():
        if what.startswith(_REASON):
            assert len(what) > len(_REASON) + 8, number
            assert not (code + named).strip(), number
            continue
        places = _QUOTED.findall(code)
        assert places, number
        assert all((ROOT / place).exists() for place in places), (number, code)
        assert _QUOTED.findall(named), number
        assert set(_QUOTED.findall(named)) <= tests, (number, set(_QUOTED.findall(named)) - tests)


def test_every_severity_has_its_patch_time() -> None:
    _, _, section = (ROOT / "SECURITY.md").read_text().partition("\n## Patch times\n")
    times = dict(
        re.findall(r"^\| (\w+).*? \| (.+) \|$", section.partition("\n## ")[0], re.MULTILINE)
    )
    days = [int(times[word].removesuffix(" days")) for word in ("critical", "high", "medium")]
    assert days == sorted(days)
    assert times["low"] == "with the next release"


def test_control_a_test_that_is_gone_is_noticed() -> None:
    assert "test_that_nobody_wrote" not in _all_tests()
    assert "test_control_a_test_that_is_gone_is_noticed" in _all_tests()
