"""The table of docs/alerts.md names each rule that the service has, and no other."""

import re
from pathlib import Path

from tests.support.api import Api

PAGE = Path(__file__).parents[2] / "docs" / "alerts.md"
_ROW = re.compile(r"^\| `([a-z_]+)` \| (?:each|the service|`)", re.MULTILINE)


async def test_the_page_has_a_row_for_each_rule(api: Api) -> None:
    rows = _ROW.findall(PAGE.read_text())
    assert sorted(rows) == sorted(one.rule for one in api.container.conditions)
