"""Draws from a proposal, and the ratios of the posterior's density to its own at them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from experiments.posterior.pareto import is_flat, log_mean, most_k_hat, pareto_k_hat
from experiments.records import Draws
from experiments.references._proposal import Proposal
from experiments.references._scaled import ScaledProblem


@dataclass(frozen=True)
class Sample:
    """Draws (S, K, ...) in the target's coordinates, with log p(x, theta, pi) - log q(theta, pi), (S,)."""

    draws: Draws
    log_ratio: np.ndarray

    @classmethod
    def of(cls, target: ScaledProblem, proposal: Proposal, rng: np.random.Generator, n: int) -> Self:
        """Return n draws."""
        draws = proposal.sample(rng, n)
        return cls(draws, target.log_joint(draws) - proposal.log_density(draws))

    def __len__(self) -> int:
        return len(self.log_ratio)

    def with_more(self, more: "Sample") -> "Sample":
        """Return both together."""
        draws = {name: np.concatenate([values, more.draws[name]]) for name, values in self.draws.items()}
        return Sample(draws, np.concatenate([self.log_ratio, more.log_ratio]))

    @cached_property
    def k_hat(self) -> float:
        """The tail index of the ratios; NaN if they have no tail."""
        return pareto_k_hat(self.log_ratio)[0]

    @property
    def tail_is_light(self) -> bool:
        """Whether the mean of the ratios can be trusted: by k-hat, or because they are equal."""
        return is_flat(self.log_ratio) or self.k_hat < most_k_hat(len(self))

    @property
    def relative_sd(self) -> float:
        """The ratios' standard deviation over their mean."""
        return float(log_mean(self.log_ratio)[1] * np.sqrt(len(self)))
