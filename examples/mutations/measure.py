"""How often is each mistake found? One check of one derivation, again and again, on two processes.

Every outcome is one line of a file of JSON lines, written as soon as it is there, so that a run that was
cut short goes on where it stopped. An outcome belongs to the text of the derivation and to the text of the
checker: when either changes, it is measured anew.
"""

import hashlib
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from examples.mutations.gallery import BOUND, FOLDER, load, source_of

CHECKER = FOLDER.parent.parent / "experiments" / "checks"
Task = tuple[str, int, str]
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Outcome:
    """One check of one derivation.

    Attributes
    ----------
    key : str
        A mutant's key, or the name of a correct derivation.
    seed : int
    fingerprint : str
        Of the derivation's and the checker's text.
    passed : bool or None
        None if the checker could not decide; False also if it refused the derivation as bad input.
    named : list of str
        The factors that the messages name, the first message's first.
    failed : list of str
        The checks that failed; ``"input"`` for a refusal, ``"crash"`` if the checker itself failed.
    message : str
        The first message.
    seconds : float
        Of this process.
    """

    key: str
    seed: int
    fingerprint: str
    passed: bool | None
    named: list[str]
    failed: list[str]
    message: str
    seconds: float


def outcome(key: str, seed: int, fingerprint: str) -> Outcome:
    """Check one derivation of the gallery once."""

    def make() -> tuple[object, object]:
        module = load(source_of(key), key)
        return module.Derivation(), module.LogJoint()

    return checked(key, seed, fingerprint, make)


def checked(key: str, seed: int, fingerprint: str, make: Callable[[], tuple[object, object]]) -> Outcome:
    """Check once what `make` returns, a derivation and its log joint density."""
    from experiments.checks import Decision, check
    from hand_cavi import InputError

    began, factors = time.process_time(), ()
    try:
        derivation, log_joint = make()
        factors = getattr(derivation, "factors", ())
        report = check(derivation, None, log_joint, rng=seed)
        passed, faults = report.passed, report.faults
        named, message = [fault.factor for fault in faults], faults[0].message if faults else ""
        failed = sorted({r.check for r in report.results if r.decision is Decision.FAILED})
    except InputError as refusal:
        passed, failed, message = False, ["input"], str(refusal)
        named = [factor for factor in factors if f'"{factor}"' in message]
        named += [BOUND] if "elbo(" in message else []
    except Exception as error:  # a hole in the checker is an outcome, not the end of the table
        passed, failed, named, message = None, ["crash"], [], f"{type(error).__name__}: {error}"
    seconds = time.process_time() - began
    return Outcome(key, seed, fingerprint, passed, list(dict.fromkeys(named)), failed, message, seconds)


def fingerprint_of(key: str) -> str:
    """Return a digest of all the text that an outcome depends on."""
    texts = [source_of(key).encode(), (FOLDER / "densities.py").read_bytes()]
    texts += [path.read_bytes() for path in sorted(CHECKER.glob("*.py"))]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:16]


def measure(
    keys: Iterable[str],
    repetitions: int,
    store: Path,
    processes: int = 2,
    *,
    outcome: Callable[[str, int, str], Outcome] = outcome,
    fingerprint: Callable[[str], str] = fingerprint_of,
) -> list[Outcome]:
    """Return the outcomes of all seeds from 0 up, those in the store first, and store the new ones.

    Parameters
    ----------
    keys : iterable of str
        Mutants' keys and names of correct derivations.
    repetitions : int
    store : Path
        A file of JSON lines; it may not be there yet.
    processes : int
        With 1, everything happens in this process.
    outcome : callable
        Checks a key with a seed; its fingerprint comes third.
    fingerprint : callable
        Returns a digest of all the text that the outcomes of a key depend on.

    Returns
    -------
    list of Outcome
        By key, then by seed.
    """
    fingerprints = {key: fingerprint(key) for key in keys}
    done = {
        (old.key, old.seed): old
        for old in stored(store)
        if fingerprints.get(old.key) == old.fingerprint and old.seed < repetitions
    }
    todo = [
        (key, seed, digest)
        for seed in range(repetitions)
        for key, digest in fingerprints.items()
        if (key, seed) not in done
    ]
    if todo:
        store.parent.mkdir(parents=True, exist_ok=True)
        with store.open("a", encoding="utf-8") as file:
            for count, new in enumerate(_run(partial(_unpacked, outcome), todo, processes), start=1):
                file.write(json.dumps(asdict(new)) + "\n")
                file.flush()
                done[new.key, new.seed] = new
                if count % 50 == 0 or count == len(todo):
                    print(f"{count} of {len(todo)} checks done", file=sys.stderr)
    return [done[key, seed] for key in fingerprints for seed in range(repetitions)]


def stored(store: Path) -> Iterator[Outcome]:
    """Read a file of outcomes; a last line that was cut off is left out."""
    if not store.exists():
        return
    for line in store.read_text(encoding="utf-8").splitlines():
        try:
            yield Outcome(**json.loads(line))
        except (json.JSONDecodeError, TypeError):
            continue


def _run(work: Callable[[Task], Outcome], todo: list[Task], processes: int) -> Iterator[Outcome]:
    if processes == 1:
        yield from map(work, todo)
        return
    os.environ.update(dict.fromkeys(_THREADS, "1"))  # the workers read it when they import numpy
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(work, todo)


def _unpacked(outcome: Callable[[str, int, str], Outcome], task: Task) -> Outcome:
    return outcome(*task)
