"""The arithmetic that all signatures share."""

from service.providers.signing import same_signature


def test_letters_that_are_no_ascii_are_just_another_signature() -> None:
    assert same_signature("ab", "ab")
    for given in ("é", "\udcff", ""):
        assert not same_signature("ab", given)
