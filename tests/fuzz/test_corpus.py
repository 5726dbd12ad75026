"""What fuzzing found worth keeping, held in every run: typed errors only (`make soak` searches)."""

from pathlib import Path

import pytest

from service.core import paging
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"


def test_every_target_has_a_corpus_and_the_other_way_round() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_of_the_corpus_brings_out_an_untyped_error(name: str) -> None:
    kept = sorted((CORPUS / name).iterdir())
    assert len(kept) >= 5
    for found in kept:
        try:
            TARGETS[name](found.read_bytes())
        except Exception as error:
            error.add_note(f"corpus/{name}/{found.name}")
            raise


def test_control_a_reader_that_lets_an_error_through_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paging, "InvalidInput", lambda *_, **__: OverflowError())
    with pytest.raises(OverflowError):
        test_nothing_of_the_corpus_brings_out_an_untyped_error("cursor")
