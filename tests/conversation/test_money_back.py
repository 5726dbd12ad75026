"""Money that goes back in a conversation, and what a missing guard of the ledger does."""

from collections.abc import Sequence

import pytest

from tests.conversation.acts import Act
from tests.conversation.guards import GUARDS
from tests.conversation.playing import Broken, play
from tests.conversation.world import World

_AT_STRIPE = [Act("open_checkout", 2, 4), Act("pay"), Act("deliver")]
_AT_RAZORPAY = [Act("open_checkout", 2, 5), Act("pay"), Act("deliver")]
_HELD = [_AT_RAZORPAY[0], Act("authorize"), Act("deliver")]
# It comes, then the bank sends it back, and of that is heard first.
_FAILED_FIRST = [Act("refund_there"), Act("end_refund", 0, 1), Act("deliver_one"), Act("deliver")]
_LOST = [Act("dispute", 0, 1), Act("deliver"), Act("dispute", 0, 2), Act("deliver")]
_WON = [*_LOST[:2], Act("dispute", 0, 1), Act("deliver")]
_POSTED_BETWEEN = [
    Act("pass_time"),
    Act("deliver"),
    Act("post_entries"),
    Act("refund_there", 0, 1),
    Act("deliver"),
]
_UNDER_WAY = [Act("refund_there", 0, 0, 1), Act("deliver")]

_BOTH_AT_ONCE = [Act("pass_time"), Act("deliver"), Act("cut", 1), Act("refund_now", 0, 2)]
# It is made, and nobody hears of that: it is asked about, and not made again.
_UNHEARD = [Act("cut", 2), Act("refund_now", 0, 1, 2), Act("run_loop"), Act("mend")]
_APPROVED = [Act("request_refund", 0, 1), Act("process_refund"), Act("deliver")]
_OF_ANOTHER_AMOUNT = [Act("open_checkout", 2, 4), Act("pay_other_amount"), Act("deliver")]

_STORIES = {
    "a refund that failed after it had come": [*_AT_STRIPE, *_FAILED_FIRST],
    "a dispute that Razorpay lost and refunded": [*_AT_RAZORPAY, *_LOST],
    "a dispute that Stripe won": [*_AT_STRIPE, *_WON],
    "held money that was let go": [*_HELD, Act("void"), Act("deliver")],
    "a part that went back after the rest was posted": [*_AT_STRIPE, *_POSTED_BETWEEN],
    "money on its way back": [*_AT_STRIPE, *_UNDER_WAY],
    "a request that two approve at once": [*_AT_STRIPE, *_APPROVED],
    "a payment that two refund at once": [*_AT_STRIPE, *_BOTH_AT_ONCE],
    "a refund whose answer is lost": [*_AT_STRIPE, *_UNHEARD],
    "a refund that is refused": [*_AT_STRIPE, Act("disturb", 0, 2), Act("refund_now", 0, 1, 2)],
    "money rejected and given back": [*_OF_ANOTHER_AMOUNT, Act("reject_and_refund", 0, 0, 1)],
}


@pytest.mark.parametrize("story", _STORIES)
async def test_the_providers_books_and_the_ledger_agree_after_each_step(
    world: World, story: str
) -> None:
    await play(world, _STORIES[story])
    assert await world.rows("refunds") or await world.rows("disputes")


@pytest.mark.parametrize(
    ("guard", "steps", "words"),
    [
        ("ranks", _STORIES["a refund that failed after it had come"], "the ledger says succeeded"),
        ("sums", [*_AT_STRIPE, *_POSTED_BETWEEN], "'refunded': 0.*500 back"),
        ("one loss", _STORIES["a dispute that Razorpay lost and refunded"], "the ledger says"),
        ("voids", _STORIES["held money that was let go"], "void"),
        ("marks", [*_AT_STRIPE, *_POSTED_BETWEEN], "the books are wrong.*lacks"),
        ("reserving", _STORIES["a payment that two refund at once"], "we give back 2000 of 1000"),
        ("transit", [*_AT_STRIPE, *_UNDER_WAY], "by the entries, the provider has 1000"),
    ],
)
async def test_control_without_a_guard_they_do_not(
    world: World, guard: str, steps: Sequence[Act], words: str
) -> None:
    with GUARDS[guard](), pytest.raises(Broken, match=words):
        await play(world, steps)
