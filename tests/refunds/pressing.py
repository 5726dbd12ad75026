"""A process of its own that presses the button: `python -m tests.refunds.pressing JOB`, as JSON."""

import asyncio
import json
import sys
from collections import Counter
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient

from service.app import create_app
from service.core.clock import ManualClock
from service.payments.refunds.sending import send
from service.storage.database import connect
from service.storage.documents import bind
from service.stored import DOCUMENTS
from tests.conftest import NOON
from tests.support.limits import take_all_the_time
from tests.support.settings import SECRET, make_settings

_BEGUN = "begun"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _calls_nobody(*_: object) -> None:
    """Stop between the row and the call."""
    _say(_BEGUN)
    await asyncio.Event().wait()


async def _press(job: dict[str, Any]) -> Counter[str]:
    """Refund a payment many times at once; return how the answers were."""
    database = connect(job["uri"])[job["database"]]
    await bind(database, DOCUMENTS)
    settings = make_settings(STRIPE_API_BASE=job["books"])
    app = create_app(settings, database, clock=ManualClock(NOON), loop=False)
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="http://testserver") as http:

        async def one() -> str:
            answer = await http.post(
                f"/api/payments/{job['payment']}/refunds",
                json={"amount": job["amount"], "reason": "pressed"},
                headers={"Authorization": f"Bearer {SECRET}"},
            )
            found = answer.json()
            return str(found["error"] if answer.is_error else found["refund"]["status"])

        _say("ready")
        sys.stdin.readline()
        return Counter(await asyncio.gather(*(one() for _ in range(job["times"]))))


def _main() -> None:
    job = json.loads(sys.argv[1])
    with pytest.MonkeyPatch.context() as patch:
        take_all_the_time(patch)
        if job.get("stops"):
            patch.setattr(send, "_call", _calls_nobody)
        _say(json.dumps(asyncio.run(_press(job))))


if __name__ == "__main__":
    _main()
