"""Simulation-based calibration: whether posteriors are, over data from the model itself, what they claim.

See docs/mathematics.md, section 10. Ranks of the truth over many data sets: too many at both ends, the
posterior is over-confident; too many in the middle, under-confident; slanted, biased.

`simulate` draws, `task` fits, `ranked_quantities` are the f, `ranks` and `exact` give the ranks, `effects`
and `experiments.posterior.bands` say how far they are from uniform, `verdict` what follows.
"""
