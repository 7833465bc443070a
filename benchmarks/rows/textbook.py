"""Against the textbook's sweep in plain numpy, and against this package's own plain kernel."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from measuring import ALL_THREADS, Difference, Row, Target, clusters, direct, in_turns, ms, our_sweeps, power
from peers import textbook

from hand_cavi import FixedWeights, Mixture, NormalKnownVariance, fit

TITLE = "Against plain numpy, D = 1"
NOTE = """The textbook mixture (unknown means, known variance, fixed weights) from the same random
responsibilities. The peer is `benchmarks/peers/textbook.py`: whole (N, K) arrays, numpy, its bound in every
sweep; that both reach the same bound is checked. "own plain kernel" is `fit` with ELBOWROOM_KERNEL=numpy. A
sweep's time is the time between two callbacks of `fit`, and for the peer a long run less a short one. All
take turns in one process; the ratio is of medians. numpy's loops use one thread whatever is allowed. Ours run
150 sweeps a turn: for the first tenth of a second the system often leaves both threads on one core."""

SIZES = {5: 20, 20: 16}
"""K, and how many times faster we promise to be."""
TARGETS = tuple(
    Target(f"D = 1, K = {K}, against plain numpy sweeps", least, "times", at_least=True)
    for K, least in SIZES.items()
)
VARIANCE = 25.0
SWEEPS = 150


def rows(quick: bool) -> Iterator[Row]:
    """Yield one row for every kernel and number of threads."""
    n_points = 10**5 if quick else 10**6
    for K, target in zip(SIZES, TARGETS, strict=True):
        x, start = clusters(n_points, K, 1)
        mixture = Mixture(NormalKnownVariance(0.0, VARIANCE), FixedWeights(), K)
        check_agreement(mixture, x, start)
        sweep = partial(our_sweeps, mixture, x, start)
        peer = partial(textbook.sweeps, x[:, 0], start, VARIANCE)
        timings = in_turns(
            {
                "plain numpy": Difference(peer, 1, 6),
                "own plain kernel": partial(sweep, 1, 4, "numpy"),
                "compiled, 1 thread": partial(sweep, 1, SWEEPS),
                f"compiled, all threads ({ALL_THREADS})": partial(sweep, ALL_THREADS, SWEEPS),
            },
            3,
        )
        peers = timings["plain numpy"]
        for name, timing in timings.items():
            ratio = peers.median / timing.median
            judged = name.startswith("compiled, all")
            yield Row(
                {
                    "N": power(n_points),
                    "K": str(K),
                    "sweep": name,
                    "ms, median": ms(timing.median),
                    "ms, best": ms(timing.best),
                    "ns per point and component": f"{timing.median / n_points / K * 1e9:.2f}",
                    "times faster": "" if timing is peers else f"{ratio:.1f}",
                    "by the best": "" if timing is peers else f"{peers.best / timing.best:.1f}",
                },
                target if judged else None,
                ratio if judged else None,
            )


def check_agreement(mixture: Mixture, x: np.ndarray, start: np.ndarray) -> None:
    """Hold the peer to the same bound after three sweeps."""
    head = slice(0, 10_000)
    ours = fit(
        mixture, x[head], rng=0, starts=start[head], max_sweeps=3, tolerance=0.0, patience=9, **direct()
    )
    theirs = textbook.sweeps(x[head, 0], start[head], VARIANCE, 3)
    if not np.isclose(ours.elbo, theirs, rtol=1e-10):
        raise RuntimeError(f"after three sweeps the bounds are {ours.elbo} and {theirs}")
