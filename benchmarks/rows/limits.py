"""The share of the machine's own limit that a sweep reaches."""

from collections.abc import Iterator

import numpy as np
from measuring import NotRunError, Row, clusters, in_turns, ms, our_sweeps, power, seconds

from hand_cavi import DirichletWeights, Mixture, NormalGamma, NormalWishart

TITLE = "Share of the machine's limit"
NOTE = """One thread. "exp alone" is the kernel's own exponential, compiled and in vector instructions,
of N K numbers in blocks that stay in the cache: no sweep can need less. "read alone" is numpy's sum of an
array of as many numbers as the data have. All take turns in one process, medians; the share is the limit's
time over the sweep's. What D = 10 needs beyond is its two matrix products, 2 K P multiplications and
additions for each point, P = 67: "arithmetic" is what the sweep does of them in 10^9 operations a second."""
TARGETS = ()


def rows(quick: bool) -> Iterator[Row]:
    """Yield a row for every shape."""
    try:
        from numba import njit

        from hand_cavi.kernels_compiled import BLOCK, _exp
    except ImportError:
        raise NotRunError("numba is not installed") from None

    @njit(error_model="numpy")
    def exp_alone(block: np.ndarray, out: np.ndarray, times: int) -> None:
        for _ in range(times):
            for i in range(BLOCK):
                out[i] = _exp(block[i])

    n_points = 10**5 if quick else 10**6
    block, out = -np.linspace(0, 30, BLOCK), np.empty(BLOCK)
    exp_alone(block, out, 1)
    for D, K in ((1, 5), (1, 20), (2, 5), (10, 10)):
        x, start = clusters(n_points, K, D)
        prior = NormalWishart(np.zeros(D), 1.0, D + 1.0, np.eye(D))
        if D == 1:
            prior = NormalGamma(0.0, 1.0, 1.0, 1.0)
        mixture = Mixture(prior, DirichletWeights(1.0), K)
        our_sweeps(mixture, x, start, 1, 2)
        timings = in_turns(
            {
                "exp": lambda K=K: [seconds(lambda: exp_alone(block, out, n_points * K // BLOCK))],
                "read": lambda x=x: [seconds(x.sum)],
                "sweep": lambda m=mixture, x=x, start=start: our_sweeps(m, x, start, 1, 4),
            },
            3,
        )
        sweep = timings["sweep"].median
        operations = 4 * n_points * K * prior.natural.shape[-1]
        yield Row(
            {
                "N": power(n_points),
                "D": str(D),
                "K": str(K),
                "family": type(prior).__name__,
                "sweep, ms": ms(sweep),
                "exp alone, ms": ms(timings["exp"].median),
                "share": f"{timings['exp'].median / sweep:.0%}",
                "read alone, ms": ms(timings["read"].median),
                "share of the read": f"{timings['read'].median / sweep:.1%}",
                "arithmetic, GFlop/s": f"{operations / sweep / 1e9:.1f}",
            }
        )
