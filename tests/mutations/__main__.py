"""Break what decides about money in one place at a time, and see whether the tests notice.

`python -m tests.mutations` takes all targets; names take those. Read what survives: a test is
missing, or the code means the same, and then `survivors.toml` says why.
"""

import argparse
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.mutations.mutants import Mutant, mutants_of
from tests.mutations.running import Found, import_the_rest, run_imported, run_within
from tests.mutations.targets import TARGETS, Target

LEAST_KILLED = 0.9
_NAMED = Path(__file__).with_name("survivors.toml")


def main() -> None:
    """Break the targets; fail where too much survives, or anything that nobody has named."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("targets", nargs="*", help=", ".join(TARGETS))
    parser.add_argument("--at", type=int, nargs="*", default=(), help="only those of these lines")
    parser.add_argument("--every", type=int, default=1, help="a sample: each n-th of them")
    parser.add_argument("--list", action="store_true", help="only tell the mutants")
    given = parser.parse_args()
    names = given.targets or [*TARGETS]
    if given.list:
        for name in names:
            _tell("\n  ".join([name, *map(str, _mutants(TARGETS[name], given.at, given.every))]))
        return
    with tempfile.TemporaryDirectory(prefix="tillgate-mutations-") as directory:
        sys.exit(_all(names, given.at, given.every, Path(directory)))


def _all(names: Sequence[str], at: Sequence[int], every: int, directory: Path) -> int:
    # Inside, since it is forgotten again for the sake of the forks.
    from service.storage.embedded import embedded_database  # noqa: PLC0415

    extra = ("--setParameter", "enableTestCommands=1", "--setParameter", "ttlMonitorEnabled=false")
    with embedded_database(directory, extra=extra) as uri:
        import_the_rest()
        return max([_one(name, at, every, uri) for name in names])


def _one(name: str, at: Sequence[int], every: int, uri: str) -> int:
    target, named = TARGETS[name], _named(name)
    counts: Counter[Found] = Counter()
    unnamed = 0
    for mutant, found in _found(target, _mutants(target, at, every), uri):
        counts[found] += 1
        if found is Found.SURVIVED:
            why = named.get((mutant.before, mutant.after))
            unnamed += why is None
            _tell(f"{target.path}:{mutant}\n    {why or 'NOBODY HAS NAMED IT'}")
    killed = counts[Found.KILLED] + counts[Found.ENDLESS]
    of = killed + counts[Found.SURVIVED]
    _tell(f"{name}: {killed} of {of} killed, {counts[Found.BROKEN]} could not be imported")
    return int(unnamed > 0 or killed < LEAST_KILLED * of)


def _found(target: Target, mutants: Sequence[Mutant], uri: str) -> Iterator[tuple[Mutant, Found]]:
    inside = [one for one in mutants if one.inside]
    source = Path(target.path).read_text()
    with tempfile.TemporaryFile() as said:
        results = run_within(target, [source, *(one.source for one in inside)], uri, said)
        if next(results, None) is not Found.SURVIVED:
            results.close()
            said.seek(0)
            sys.exit(f"{target.path}: tests fail on it as it is.\n{said.read().decode()}")
        yield from zip(inside, results, strict=True)
    for one in mutants:
        if not one.inside:
            yield one, run_imported(target, one.source, uri)


def _mutants(target: Target, at: Sequence[int], every: int) -> list[Mutant]:
    made = mutants_of(Path(target.path).read_text(), target.within)
    return [one for one in made if not at or one.line in at][::every]


def _named(target: str) -> dict[tuple[str, str], str]:
    """Return why each survivor of a target that somebody has read may survive."""
    known = tomllib.loads(_NAMED.read_text()).get(target, [])
    return {(one["before"], one["after"]): one["why"] for one in known}


def _tell(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
