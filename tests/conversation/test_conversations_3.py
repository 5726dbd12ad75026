"""Conversations of everybody with everybody, held against the providers' books: part 3 of 4.

Soak: part 1 is in `make test`. The seed is fixed: `make soak` draws others.
"""

import pytest
from hypothesis import given, seed

from tests.conversation.acts import Step
from tests.conversation.drawing import conversations
from tests.conversation.playing import A_FEW, play
from tests.conversation.world import World


@pytest.mark.soak
@seed(3)
@A_FEW
@given(steps=conversations(20))
async def test_every_conversation_keeps_every_promise(world: World, steps: list[Step]) -> None:
    await play(world, steps)
