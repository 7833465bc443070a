"""Do split-and-merge moves pay on top of 20 starts? Bound, sweeps and seconds over 50 data sets.

    uv run python benchmarks/moves.py [--repeats 1] [--starts 20] [--moves 20]

Data sets: five families, K = 2, 3, 4, 6, 9, components close together or apart, 100 points a component. The
model has the true K. Every data set is fitted from 20 dispersed starts, then again from the same starts with
moves on the best of them, and, for comparison, from twice as many starts. A bound is higher if it is so by
more than 1e-9 max(1, |bound|). What fewer moves would have reached is read off the moves in their order.
Times are the process's own.
"""

import argparse
from dataclasses import dataclass
from time import process_time

import numpy as np

from hand_cavi import (
    DirichletCategorical,
    DirichletWeights,
    Fit,
    GammaPoisson,
    Mixture,
    NormalGamma,
    NormalKnownVariance,
    NormalWishart,
    fit,
)

PRIORS = {
    "normal_known_variance": NormalKnownVariance(0.0, 100.0),
    "normal_gamma": NormalGamma(0.0, 0.05, 2.0, 1.0),
    "normal_wishart": NormalWishart([0.0, 0.0], 0.05, 4.0, 2.0),
    "gamma_poisson": GammaPoisson(1.0, 0.1),
    "dirichlet_categorical": DirichletCategorical(np.ones((6, 4))),
}
COMPONENTS = (2, 3, 4, 6, 9)
APART = {"close": 2.0, "apart": 5.0}  # standard deviations between neighbours, on average
FIRST = (1, 2, 3, 5, 10, 20)


def data(family: str, k: int, separation: float, rng: np.random.Generator) -> np.ndarray:
    """Return points of k clusters of unequal size, shape (100 k, D)."""
    n = 100 * k
    cluster = rng.choice(k, n, p=rng.dirichlet(np.full(k, 3.0)))
    if family == "dirichlet_categorical":
        chances = rng.dirichlet(np.full(4, 2.0 / separation), (k, 6))
        return (rng.random((n, 6, 1)) > chances.cumsum(axis=2)[cluster, :, :3]).sum(axis=2).astype(float)
    n_features = 2 if family == "normal_wishart" else 1
    centre = rng.uniform(0, separation * k ** (1 / n_features), (k, n_features))
    if family == "gamma_poisson":  # the square root of a count has standard deviation 1/2
        return rng.poisson((1 + centre[cluster] / 2) ** 2).astype(float)
    sd = np.ones(k) if family == "normal_known_variance" else rng.uniform(0.5, 1.5, k)
    x = centre[cluster] + sd[cluster, np.newaxis] * rng.standard_normal((n, n_features))
    return x - x.mean(axis=0)


@dataclass(frozen=True)
class Outcome:
    """One data set: the bound and the sweeps of the starts, after each move, and of twice as many starts.

    Seconds are those of the starts, of the same with all moves, and of twice as many starts.
    """

    before: float
    sweeps: int
    after: np.ndarray
    sweeps_of_moves: np.ndarray
    more_starts: float
    seconds: tuple[float, float, float]

    def gain(self, n_moves: int) -> float:
        """Return what the first so many moves gained, in nats."""
        reached = self.after[: min(n_moves, len(self.after))]
        return float(max(reached[-1] - self.before, 0.0)) if len(reached) else 0.0

    @property
    def gain_of_starts(self) -> float:
        """What twice as many starts gained, in nats."""
        return max(self.more_starts - self.before, 0.0)

    @property
    def slack(self) -> float:
        """A gain above this is one."""
        return 1e-9 * max(1.0, abs(self.before))

    def cost(self, n_moves: int) -> float:
        """Return the sweeps of starts and so many moves, as a multiple of those of the starts."""
        return 1 + float(self.sweeps_of_moves[:n_moves].sum()) / self.sweeps


def measured(mixture: Mixture, x: np.ndarray, seed: int, starts: int, moves: int) -> Outcome:
    """Fit a data set three times."""
    seconds = []

    def timed(n_starts: int, n_moves: int) -> Fit:
        began = process_time()
        found = fit(mixture, x, rng=seed, starts=n_starts, moves=n_moves)
        seconds.append(process_time() - began)
        return found

    plain, moved, more = timed(starts, 0), timed(starts, moves), timed(2 * starts, 0)
    kept = [move.elbo if move.kept else move.elbo_before for move in moved.moves]
    return Outcome(
        plain.elbo,
        sum(start.sweeps for start in plain.starts),
        np.array(kept),
        np.array([move.sweeps for move in moved.moves]),
        more.elbo,
        (seconds[0], seconds[1], seconds[2]),
    )


def line(name: str, outcomes: list[Outcome], n_moves: int | None, seconds: int | None) -> str:
    """Return a row: how often the bound rose, by how much, and at what price."""
    if n_moves is None:
        gains, cost = [o.gain_of_starts for o in outcomes], 2.0
    else:
        gains, cost = (
            [o.gain(n_moves) for o in outcomes],
            float(np.median([o.cost(n_moves) for o in outcomes])),
        )
    rose = [g for g, o in zip(gains, outcomes, strict=True) if g > o.slack]
    ratio = (
        "" if seconds is None else f"{np.median([o.seconds[seconds] / o.seconds[0] for o in outcomes]):.2f}"
    )
    middle, largest = (f"{np.median(rose):.2g}", f"{max(rose):.2g}") if rose else ("", "")
    return f"| {name} | {len(rose)} of {len(outcomes)} | {middle} | {largest} | {cost:.2f} | {ratio} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=1, help="data sets of each kind")
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--moves", type=int, default=20)
    options = parser.parse_args()
    found: dict[tuple[str, str, int], list[Outcome]] = {}
    for i, family in enumerate(PRIORS):
        for closeness, separation in APART.items():
            for k in COMPONENTS:
                for repeat in range(options.repeats):
                    seed = [i, k, int(separation), repeat]
                    x = data(family, k, separation, np.random.default_rng(seed))
                    mixture = Mixture(PRIORS[family], DirichletWeights(1.0), k)
                    one = measured(mixture, x, repeat, options.starts, options.moves)
                    found.setdefault((family, closeness, k), []).append(one)
    everything = [one for some in found.values() for one in some]
    head = "bound higher | median gain, nats | largest | sweeps, of the starts' | seconds, of the starts'"
    print(f"| on top of {options.starts} starts | {head} |\n|---|---:|---:|---:|---:|---:|")
    for n in [n for n in FIRST if n < options.moves] + [options.moves]:
        print(line(f"{n} moves", everything, n, 1 if n == options.moves else None))
    print(line(f"{options.starts} starts more", everything, None, 2))
    print(f"\n| {options.moves} moves | {head} |\n|---|---:|---:|---:|---:|---:|")
    for place, names in enumerate((tuple(PRIORS), tuple(APART), tuple(COMPONENTS))):
        for name in names:
            some = [one for key, ones in found.items() if key[place] == name for one in ones]
            print(line(f"K = {name}" if place == 2 else str(name), some, options.moves, 1))


if __name__ == "__main__":
    main()
