"""Fuzz what reads a stranger's bytes, with coverage as the guide (atheris, libFuzzer).

`python -m tests.fuzz` takes all targets one after the other; a target's name takes that one. What
breaks one is printed and kept; put it into `tests/fuzz/corpus`, and `make test` holds the mend.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


def main() -> None:
    """Fuzz one target in this process, or all of them, each in one of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", nargs="?")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--into", type=Path, help="where what reaches further is kept")
    given = parser.parse_args()
    if given.target:
        _fuzz(given.target, given.seconds, given.into)
    sys.exit(_fuzz_all(given.seconds, given.into))


def _fuzz_all(seconds: int, into: Path | None) -> int:
    names = sorted(folder.name for folder in CORPUS.iterdir())
    options = ["--seconds", str(seconds), *(["--into", str(into)] if into else [])]
    return max(
        subprocess.run([sys.executable, "-m", "tests.fuzz", name, *options], check=False).returncode
        for name in names
    )


def _fuzz(name: str, seconds: int, into: Path | None) -> None:
    import atheris  # noqa: PLC0415 - there are no wheels of it for every machine that runs the tests

    with atheris.instrument_imports(include=["service"]):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - instrumented while it is imported
    kept = (into or Path(tempfile.mkdtemp(prefix="tillgate-fuzz-"))) / name
    kept.mkdir(parents=True, exist_ok=True)
    options = (f"-max_total_time={seconds}", "-max_len=4096", "-timeout=10", "-rss_limit_mb=2048")
    where = f"-artifact_prefix={kept.parent}/broken-{name}-"
    atheris.Setup([name, *options, where, str(kept), str(CORPUS / name)], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
