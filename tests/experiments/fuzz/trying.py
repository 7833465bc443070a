"""What all fuzzing shares: how much, within what time, and what counts as an honest end.

Examples are derived from a fixed seed, so that every run of the suite tries the same ones. ELBOWROOM_FUZZ is
how many times as many are tried, and other ones: ELBOWROOM_FUZZ=50 takes about a quarter of an hour.
"""

import os
import signal
from contextlib import contextmanager

from hypothesis import HealthCheck, settings

from hand_cavi import InputError

TIMES = int(os.environ.get("ELBOWROOM_FUZZ", "1"))
LATE = 30
"""Seconds that one input may take, on a slow machine."""


def examples(number):
    """Return the settings of a test that tries so many inputs, or `TIMES` as many."""
    return settings(
        derandomize=TIMES == 1,
        max_examples=TIMES * number,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def honest_end():
    """Let pass what ends well or by an InputError of short lines, in time, and nothing else."""

    def late(*_):
        raise AssertionError(f"this input takes more than {LATE} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LATE)
    try:
        yield
    except InputError as error:
        assert str(error).strip()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
