"""Blocked Gibbs sampling from the hand-derived families."""

from hand_cavi.gibbs.sampler import GibbsRun, gibbs

__all__ = ["GibbsRun", "gibbs"]
